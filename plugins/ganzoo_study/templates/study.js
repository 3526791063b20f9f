"use strict";
// The study: two pictures, two keys. This page does not know which model made which picture.

const at = (name) => document.getElementById(name);
const sides = { left: at("left"), right: at("right") };
let state = null; // the trial, as the server gave it
let shown = null; // when both pictures were visible; null while there is nothing to answer

function view(name) {
  for (const one of ["begin", "trial", "result"]) at(one).hidden = one !== name;
}

function trouble(text) {
  at("trouble").textContent = text;
  at("trouble").hidden = false;
}

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status}`); // 409: the response has the current trial
  return answer.json();
}

// Show the next state; the time is measured from when both pictures are visible.
async function show(response) {
  shown = null;
  at("trial").classList.add("waiting");
  try {
    state = await response;
    if (state.done) return finish();
    for (const side in sides) sides[side].firstElementChild.src = `picture/${state.pictures[side]}`;
    await Promise.all(Object.values(sides).map((button) => button.firstElementChild.decode()));
  } catch {
    return trouble("The study has ended. The answers so far are saved.");
  }
  view("trial");
  for (const side in sides) { // enlarged by whole pixels, or made smaller smoothly
    const picture = sides[side].firstElementChild;
    picture.classList.toggle("fine", picture.naturalWidth > picture.clientWidth * devicePixelRatio);
  }
  at("progress").value = state.trial;
  at("count").textContent = `${state.trial + 1} of ${state.total}`;
  at("undo").disabled = state.trial === 0;
  at("trial").classList.remove("waiting");
  shown = performance.now();
}

function choose(side) {
  if (shown === null) return;
  const seconds = (performance.now() - shown) / 1000;
  show(ask("answer", { trial: state.trial, side, seconds }));
}

function undo() {
  if (shown !== null && state.trial > 0) show(ask("undo", {}));
}

function finish() {
  view("result");
  const percent = (share) => `${100 * share}%`;
  at("interval").style.left = percent(state.interval[0]);
  at("interval").style.width = percent(state.interval[1] - state.interval[0]);
  at("share").style.left = percent(state.share);
  at("sentences").replaceChildren(...state.sentences.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
  at("result").focus();
}

at("start").addEventListener("click", () => show(ask("state")));
for (const side in sides) {
  // without the focus, Enter or a key held down cannot choose again
  sides[side].addEventListener("click", () => { sides[side].blur(); choose(side); });
}
at("undo").addEventListener("click", undo);
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || at("trial").hidden) return;
  const act = { ArrowLeft: () => choose("left"), ArrowRight: () => choose("right"), Backspace: undo }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
at("start").focus();
