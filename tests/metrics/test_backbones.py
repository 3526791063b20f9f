"""Networks of timm, with weights from a Hub on the loopback, put there by hand, or of the user's own."""

import hashlib

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from extractors import bytes_of, colourful, grey, keep, made, random_model, tensors_of, wide
from ganzoo.errors import ConfigError, HubError, UnknownNameError, WeightsError

FULL = "test_vit.r160_in1k"
FAMILIES = {  # name: features, logits
    "test_resnet": (96, 1000),
    "test_vit": (64, 1000),
    "test_efficientnet": (256, 1000),
    "test_convnext": (64, 1000),
    "resnet10t": (512, 1000),
    "deit_tiny_distilled_patch16_224": (192, 1000),
    "vit_tiny_patch16_224.augreg_in21k": (192, 21_843),
    "swin_tiny_patch4_window7_224": (768, 1000),
    "mobilenetv3_small_050": (1024, 1000),
    "vit_small_patch14_dinov2,224": (384, 0),
    "vit_small_patch14_reg4_dinov2,224": (384, 0),
}


@pytest.fixture
def published(hub, shelf):
    """A network's weights on the Hub, and nothing in ganzoo's folder."""
    model = random_model("test_vit")
    hub.upload("timm/test_vit.r160_in1k", {"model.safetensors": bytes_of(model)})
    return model


@pytest.mark.parametrize("text", FAMILIES)
def test_families_have_features_and_where_they_classify_logits(shelf, digits, text):
    name = text.partition(",")[0]
    model = random_model(name)
    settings = model.pretrained_cfg
    keep(model, f"{settings['architecture']}.{settings['tag']}")
    extractor = made(f"timm:{text}")
    seen = extractor(grey(digits, 2))
    features, logits = FAMILIES[text]
    assert seen["features"].shape == (2, features)
    assert seen["features"].dtype == torch.float32
    assert seen["logits"].shape == (2, logits) if logits else "logits" not in seen
    size = "224" if "," in text else str(settings["input_size"][1])
    assert extractor.written == f":{settings['architecture']}.{settings['tag']},{size},{settings['interpolation']}"


@pytest.mark.parametrize("images", [grey, colourful, wide])
def test_features_are_what_the_network_sees_of_the_whole_image(published, digits, images):
    extractor = made("timm:test_vit")
    shown = torch.nn.functional.interpolate(images(digits).float(), (160, 160), mode="bicubic", antialias=True)
    shown = (shown.clamp(0, 255) / 255 - 0.5) / 0.5  # the mean and the deviation of this network's settings
    with torch.no_grad():
        maps = published.forward_features(shown.expand(-1, 3, -1, -1))
        features = published.forward_head(maps, pre_logits=True)
        logits = published(shown.expand(-1, 3, -1, -1))
    seen = extractor(images(digits))
    torch.testing.assert_close(seen["features"], features, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen["logits"], logits, rtol=1e-4, atol=1e-5)


def test_a_name_without_a_tag_is_written_with_it_and_so_are_size_and_interpolation(published):
    for text in ("test_vit", FULL, f"{FULL},160,bicubic"):
        assert made(f"timm:{text}").written == f":{FULL},160,bicubic"
    assert made("timm:test_vit,bilinear,96").written == f":{FULL},96,bilinear"
    assert made("timm:test_vit,96x64").written == f":{FULL},96x64,bicubic"


def test_weights_are_those_of_the_hub_checked_and_named(hub, published):
    assert made("timm:test_vit").weights == hashlib.sha256(bytes_of(published)).hexdigest()
    constants.HF_HUB_OFFLINE = True  # the fixture puts it back
    before = len(hub.requests)
    made("timm:test_vit")
    assert len(hub.requests) == before


def test_weights_that_come_damaged_are_refused(hub, published):
    from hub.server import Fault

    hub.faults.append(Fault("GET /file/", times=1, corrupt=True))
    with pytest.raises(HubError, match=r"sha256 .*Hub"):
        made("timm:test_vit")
    made("timm:test_vit")


def test_weights_put_there_by_hand_come_first(hub, published, shelf):
    path = keep(random_model("test_vit"), FULL)
    assert made("timm:test_vit").weights == hashlib.sha256(path.read_bytes()).hexdigest()
    assert hub.lines() == []


def test_offline_it_says_which_file_from_where_and_whereto(hub, shelf, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError) as error:
        made("timm:test_vit")
    assert str(error.value) == (
        f"{FULL}: hf:timm/{FULL}: HF_HUB_OFFLINE is set and model.safetensors is not in the cache: unset it to ask the "
        f"Hub; or fetch {hub.url}/timm/{FULL}/resolve/main/model.safetensors on any machine, and put it at "
        f"{shelf / FULL}.safetensors"
    )


def test_a_repository_with_a_pickle_alone_is_refused(hub, shelf):
    hub.upload(f"timm/{FULL}", {"pytorch_model.bin": b"cos\nsystem\n"})
    with pytest.raises(WeightsError, match=f"hf:timm/{FULL} .*model.safetensors.*pickle"):
        made("timm:test_vit")
    assert not any("bin" in line for line in hub.lines())


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("timm", ConfigError, "timm needs the name of a model, as in timm:vit_small_patch14_dinov2.lvd142m"),
        ("timm:resnt18", UnknownNameError, "No model of timm .* is called 'resnt18'. Did you mean 'resnet18'"),
        ("timm:resnet18.mine", UnknownNameError, "timm has no weights 'mine' of resnet18: it has a1_in1k, a2_in1k"),
        ("timm:convnext_tiny_in22ft1k", UnknownNameError, "say timm:convnext_tiny.fb_in22k_ft_in1k"),
        ("timm:legacy_xception", WeightsError, "published as a pickle alone, https:.*pth.*put it at .*safetensors"),
        ("timm:mixer_s32_224", WeightsError, "there are no weights of mixer_s32_224.untrained: say a file of your own"),
        ("timm:test_vit,bicubik", ConfigError, "does not know .bicubik..* Did you mean 'bicubic'"),
        ("timm:test_vit,64,96", ConfigError, "'96' is one size too many"),
        ("timm:test_vit,100", ConfigError, "sees patches of 16 pixels: 100 is no multiple of it"),
        ("timm:test_vit,sha256=0123", ConfigError, "'sha256=0123' is no hash: say sha256= and its first 8 to 64"),
        ("timm:test_vit,sha256=01234567", ConfigError, "is the hash of no file"),
        (
            "timm:test_vit,net.pth",
            WeightsError,
            "net.pth can run code .* safetensors.torch.save_file",
        ),
        ("timm:test_vit,net.safetensors", WeightsError, "there is no file net.safetensors, nor .*extractors.net.safe"),
    ],
)
def test_what_cannot_be_made_says_why(shelf, text, error, why):
    if text == "timm:test_vit,100":
        keep(random_model("test_vit"), FULL)
    with pytest.raises(error, match=why) as raised:
        made(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["test_vit", "test_resnet"])
def test_weights_of_your_own_are_named_with_their_hash(shelf, tmp_path, digits, name):
    model = random_model(name)
    path = tmp_path / "mine.safetensors"
    save_file(tensors_of(model), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    extractor = made(f"timm:{name},{path}")
    full = f"{name}.r160_in1k"
    assert extractor.written.startswith(f":{full},mine.safetensors,sha256={sha256[:12]},")
    assert extractor.weights == sha256
    seen = extractor(grey(digits))["features"]
    # What was written by a value is found again in ganzoo's folder, by name and hash.
    shelf.mkdir(parents=True)
    path.rename(shelf / path.name)
    assert torch.equal(made(f"timm{extractor.written}")(grey(digits))["features"], seen)
    with pytest.raises(WeightsError, match=r"mine.safetensors \(.*\) .*0123456789ab"):
        made(f"timm:{name},mine.safetensors,sha256=0123456789ab")


@pytest.mark.parametrize("classes", [10, 0])
def test_weights_of_your_own_may_be_for_other_classes_or_none(shelf, tmp_path, digits, classes):
    path = tmp_path / "mine.safetensors"
    save_file(tensors_of(random_model("test_resnet", num_classes=classes)), path)
    seen = made(f"timm:test_resnet,{path}")(grey(digits))
    assert seen["features"].shape == (3, 96)
    assert seen["logits"].shape == (3, 10) if classes else "logits" not in seen


def test_weights_that_do_not_fit_are_refused(shelf, tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file(tensors_of(random_model("test_resnet")), path)
    with pytest.raises(WeightsError, match=r"mine.safetensors .*test_vit.r160_in1k: .*Missing key"):
        made(f"timm:test_vit,{path}")
    tensors = {**load_file(path), "conv1.0.weight": torch.full_like(load_file(path)["conv1.0.weight"], torch.nan)}
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=r"conv1.0.weight .*NaN"):
        made(f"timm:test_resnet,{path}")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"mine.safetensors .*cut short"):
        made(f"timm:test_resnet,{path}")


def test_a_size_that_the_network_cannot_take_is_refused(shelf):
    keep(random_model("levit_128s"), "levit_128s.fb_dist_in1k")
    with pytest.raises(ConfigError, match=r"levit_128s.fb_dist_in1k .*96 pixels"):
        made("timm:levit_128s,96")


def test_another_batch_size_sees_the_same(published, digits):
    extractor = made("timm:test_vit")
    whole = extractor(grey(digits, 7))["features"]
    parts = torch.cat([extractor(part)["features"] for part in grey(digits, 7).split(2)])
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-5)
