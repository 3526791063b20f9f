"use strict";
// The report: charts in the order of the page, the slider over the previews, and its mark in every chart.

const data = JSON.parse(document.getElementById("data").textContent);
const charts = [...document.querySelectorAll(".chart")].map((figure, i) => new Chart(figure, data.charts[i]));

const slider = document.getElementById("slider");
if (slider) {
  const picture = document.getElementById("frame"), when = document.getElementById("when");
  const play = document.getElementById("play");
  const frames = data.frames;
  frames[frames.length - 1].uri = picture.src; // the page contains it already
  let timer = null;

  const show = () => {
    const frame = frames[Number(slider.value)];
    picture.src = frame.uri;
    picture.alt = `samples ${frame.when}`;
    when.textContent = frame.when;
    slider.setAttribute("aria-valuetext", frame.when);
    for (const chart of charts) chart.show(frame.images);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const step = () => {
    slider.value = Number(slider.value) + 1;
    show();
    if (Number(slider.value) === frames.length - 1) stop();
  };
  slider.addEventListener("input", () => { stop(); show(); });
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (Number(slider.value) === frames.length - 1) { slider.value = 0; show(); }
    play.textContent = "Pause";
    timer = setInterval(step, Math.max(80, Math.min(400, 8000 / frames.length)));
  });
}
