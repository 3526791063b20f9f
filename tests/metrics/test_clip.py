"""CLIP's embedding against a port of its own code."""

import pytest
import torch
from safetensors.torch import save_file
from torch_fidelity.feature_extractor_clip import VisionTransformer

from extractors import grey, keep, made, random_model
from ganzoo.errors import ConfigError, HubError
from ganzoo_metrics.clip import DEFAULT
from ganzoo_metrics.images import fitted

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
TINY = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"


@pytest.mark.slow
def test_the_default_is_the_embedding_of_clips_own_code(shelf, digits):
    """torch-fidelity has OpenAI's code; its weights, random ones, are saved as OpenAI names them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = VisionTransformer(224, 32, 768, 12, 12, 512).eval()
    shelf.mkdir(parents=True)
    tensors = {f"visual.{name}": tensor.contiguous() for name, tensor in clip.state_dict().items()}
    save_file(tensors, shelf / f"{DEFAULT}.safetensors")
    shown = fitted(grey(digits), 3, (224, 224), "bicubic") / 255
    shown = (shown - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        embedded = clip(shown)
    seen = made("clip")(grey(digits))
    assert embedded.shape == (3, 512)
    torch.testing.assert_close(seen["features"], embedded, rtol=1e-4, atol=1e-5)


def test_features_are_the_projection_and_there_are_no_logits(shelf, digits):
    model = random_model(TINY)
    keep(model, TINY)
    extractor = made(f"clip:{TINY}")
    seen = extractor(grey(digits))
    assert {key: value.shape for key, value in seen.items()} == {"features": (3, 512)}
    assert extractor.written == f":{TINY},224,bicubic"
    # The same network without its projection, for which `timm` asks: not taken for a classifier either.
    pooled = made(f"timm:{TINY}")(grey(digits))
    assert {key: value.shape for key, value in pooled.items()} == {"features": (3, 256)}
    with torch.no_grad():
        torch.testing.assert_close(model.head(pooled["features"]), seen["features"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("text", ["clip", "clip,224", f"clip:{DEFAULT}"])
def test_by_default_it_is_the_network_with_the_activation_of_its_weights(shelf, monkeypatch, text):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        HubError, match=r"^vit_base_patch32_clip_quickgelu_224.openai: hf:timm/vit_base_patch32_clip_224"
    ):
        made(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clip:resnet18", r"resnet18.a1_in1k has no projection of CLIP: say timm:resnet18.a1_in1k, or a model like"),
        ("clip:resnet50_clip_gap", "has no projection of CLIP"),
        ("clip:vit_base_patch16_clip_224.openai_ft_in1k", "has no projection of CLIP"),
        ("clip:vit_base_patch16_clip_224.openai", "say clip:vit_base_patch16_clip_quickgelu_224.openai"),
    ],
)
def test_what_is_not_clip_is_refused(shelf, text, why):
    with pytest.raises(ConfigError, match=why):
        made(text)
