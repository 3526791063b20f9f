from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard

import ganzoo
from ganzoo.data.spec import named_sets
from ganzoo.errors import HubError
from ganzoo.models.config import ModelConfig
from ganzoo.publishing.card_page import BEGIN, END, CardFacts
from ganzoo.publishing.model_card import compose, own_words, parse_card
from ganzoo.publishing.staging import dataset_repo
from ganzoo.registry import Score, installed

MODELS = ganzoo.list_models()


def split(text: str) -> tuple[dict, str]:
    card = parse_card(text)
    return card.data.to_dict(), card.text


def facts(name="dcgan-mnist", address="hf:me/digits", **changes) -> CardFacts:
    config = ModelConfig.from_entry(installed().models[name].record)
    architecture = installed().architectures[config.architecture].record
    repos = tuple(dataset_repo(installed(), one) for one in named_sets(config.data["name"], installed()))
    made = CardFacts(config, address, architecture, repos, (1, 28, 28), "images (28x28 grey)", False)
    return made._replace(**changes)


@pytest.mark.parametrize("name", MODELS)
def test_the_metadata_is_what_the_hub_reads(name):
    made = facts(name)
    card = ModelCard(compose(made))  # the client's own parser
    data = card.data
    task = "image-to-image" if made.architecture.translates else "unconditional-image-generation"
    assert (data.library_name, data.pipeline_tag) == ("ganzoo", task)
    assert data.license == made.config.license
    assert data.datasets == (["ylecun/mnist"] if "mnist" in name else ["uoft-cs/cifar10"])
    assert {"gan", made.config.architecture} <= set(data.tags)
    assert data.get("ganzoo")["architecture"] == made.config.architecture
    found = {(r.metric_type, r.metric_value, r.metric_args["protocol"]) for r in data.eval_results}
    assert found == {(m.name, m.value, m.protocol) for m in made.config.metrics}


def test_the_page_says_what_a_reader_needs():
    made = facts()
    text = compose(made)
    for part in (
        "# digits\n", "samples.png", 'ganzoo.load("hf:me/digits")', "(16, 1, 28, 28)", "1,500,032 in 60.8 minutes",
        "| base_channels | 128 |", "fd[mnist-classifier]@10k/test", "Intended use and limits",
        made.config.weights.sha256, "| ganzoo | 0.1.0 |", "Radford", "ganzoo train --from hf:me/digits",
    ):  # fmt: skip
        assert part in text, part


def test_the_page_of_a_conditional_model_names_its_classes():
    made = facts("cgan-mnist", conditions=("labels", "truncation"))

    def page(names, **changes):
        config = replace(made.config, data={**made.config.data, "classes": names})
        return compose(made._replace(config=config, **changes))

    text = page(["cat", "t-shirt", "a`b\n<!-- x"])
    assert "Its 3 classes are `cat`, `t-shirt`, `a'b &lt;!-- x`;" in text
    assert page([f"class {i}" for i in range(1000)]).count("`class ") == 100
    assert "classes are" not in page(["cat", "dog"], conditions=("truncation",))
    assert "classes are" not in page([])


def test_without_data_set_metrics_or_licence():
    config = ModelConfig("dcgan", "ganzoo-x", "2.0", {"a": "x|y"}, "0.1.0", data={"name": "photos"})
    text = compose(CardFacts(config, "hf:me/photos@v1", None, (), (3, 64, 64), "images (64x64 RGB)", True))
    front, page = split(text)
    assert not {"datasets", "model-index", "metrics", "license"} & set(front)
    assert "None was measured" in page
    assert "pip install ganzoo ganzoo-x" in page
    assert "images (64x64 RGB)" in page
    assert "training.safetensors" in page
    assert "| a | x\\|y |" in page
    assert "# photos\n" in page


def test_a_branch_with_a_slash_is_no_part_of_the_name():
    made = facts(address="hf:me/digits@feature/wide")
    text = compose(made)
    assert "# digits\n" in text
    assert split(text)[0]["model-index"][0]["name"] == "digits"


def test_a_fine_tuned_model_names_its_base():
    made = facts()
    start = {"start": "hf:you/base@" + "a" * 40}
    from dataclasses import replace

    front, _ = split(compose(made._replace(config=replace(made.config, training=start))))
    assert front["base_model"] == "you/base"


def test_writing_it_again_changes_nothing():
    text = compose(facts())
    assert compose(facts(), text) == text


def test_what_a_person_wrote_stays():
    old = compose(facts())
    front, page = split(old)
    front |= {"language": "en", "thumbnail": None, "tags": [*front["tags"], "digits"], "license": "mit"}
    mine = page.replace(BEGIN, f"My own words.\n\n{BEGIN}").replace("It has not been checked", "I have checked it")
    edited = f"---\n{yaml.safe_dump(front)}---\n{mine}\n## Thanks\n\nTo all.\n"
    made = facts("cgan-mnist", address="hf:me/other")
    from dataclasses import replace

    made = made._replace(config=replace(made.config, metrics=(Score(name="fid", value=3.5, protocol="p"),)))
    text = compose(made, edited)
    new, body = split(text)
    assert new["language"] == "en"
    assert "thumbnail:" in text
    assert new["tags"] == ["gan", "cgan", "digits"]
    assert new["ganzoo"]["architecture"] == "cgan"
    assert "My own words." in body
    assert "I have checked it" in body
    assert "To all." in body
    assert "hf:me/digits" not in body
    assert "| fid | 3.5 | p |" in body
    assert body.count(BEGIN) == body.count(END) == 1
    assert compose(made, text) == text


def test_an_evaluation_result_that_the_client_cannot_parse_stays(caplog):
    index = [{"name": "mine", "results": [{"odd": 1}]}]
    made = facts()
    from dataclasses import replace

    made = made._replace(config=replace(made.config, metrics=()))
    text = compose(made, f"---\n{yaml.safe_dump({'model-index': index, 'language': 'en'})}---\n# x\n")
    assert split(text)[0]["model-index"] == index
    assert not caplog.records


def test_a_card_without_metadata_is_read_without_a_warning(caplog):
    assert own_words("# x\n\n---\n\ny") == "# x\n\n---\n\ny"
    assert not caplog.records


def test_a_card_that_ganzoo_never_wrote_is_kept_below():
    text = compose(facts(), "# Mine\n\nWritten on the Hub.\n")
    assert split(text)[0]["library_name"] == "ganzoo"
    assert text.index(END) < text.index("# Mine")


def test_a_mark_in_a_config_is_no_mark():
    from dataclasses import replace

    made = facts()
    made = made._replace(config=replace(made.config, data={"name": f"x\n{END}\n# FAKE"}))
    text = compose(made)
    assert text.count(f"\n{END}") == 1
    assert compose(made, text) == text


def test_only_a_mark_at_the_start_of_a_line_counts_and_the_nearest_one():
    page = compose(facts()).partition("---\n\n")[2]
    quoted = f"I quote `{BEGIN}` here.\n\n{BEGIN}\n\nmine, since its end was lost\n\n{page}"
    text = compose(facts(), quoted)
    assert "I quote" in text
    assert "mine, since its end was lost" in text
    assert compose(facts(), text) == text


def test_a_page_of_marks_is_read_at_once():
    assert own_words((BEGIN + "\n") * 20_000).startswith("<!-- ganzoo")


@pytest.mark.parametrize("card", ["\ufeff---\na: 1\n---\n# x\n", "---\n\n---\n# x", "# x\n"])
def test_odd_fronts(card):
    front, body = split(card)
    assert front in ({}, {"a": 1})
    assert body.strip() == "# x"


@pytest.mark.parametrize("front", ["a: [", "- x", "a: b: c", "a: 2024-99-99", "[" * 5000, "a: " + "9" * 6000, "2: x"])
def test_metadata_that_is_not_a_yaml_mapping_is_named(front):
    with pytest.raises(HubError, match="metadata"):
        compose(facts(), f"---\n{front}\n---\n# x\n")


def test_windows_line_ends_are_read():
    front, body = split("---\r\na: 1\r\n---\r\n# x\r\n")
    assert (front, body.strip()) == ({"a": 1}, "# x")


def test_own_words_leave_ganzoos_out():
    assert own_words(compose(facts())).startswith("## Intended use and limits")
    assert own_words("# x") == "# x"


def test_the_repository_of_a_data_set():
    zoo = installed()
    assert dataset_repo(zoo, "mnist") == "ylecun/mnist"
    assert dataset_repo(zoo, "hf:me/cats") == "me/cats"
