import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, PluginError
from ganzoo.models.create import build, pick_device
from ganzoo.registry import Architecture, installed
from ganzoo.registry.zoo import Registered


def test_create_takes_hyper_parameters():
    gan = ganzoo.create("dcgan", image_size=64, channels=3, base_channels=8)
    assert gan.sample(1).shape == (1, 3, 64, 64)
    with pytest.raises(ConfigError, match="base_chanels"):
        ganzoo.create("dcgan", base_chanels=3)


def test_a_plugin_whose_model_cannot_be_imported_is_named():
    config = installed().architectures["dcgan"].record.config

    def owned(target):
        return Registered(Architecture(name="x", target=target, config=config, summary=""), "ganzoo-x", "1.0", "x")

    with pytest.raises(PluginError, match=r"'x' of ganzoo-x 1\.0 .*ModuleNotFoundError"):
        build(owned("nowhere.model:X"), config())
    with pytest.raises(PluginError, match="AttributeError"):
        build(owned("ganzoo.gan:Nothing"), config())
    with pytest.raises(PluginError, match="no subclass"):
        build(owned("pathlib:Path"), config())


def test_devices():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps", "xpu")
    for bad in ("gpu", "cuda:99"):
        with pytest.raises(ConfigError, match=f"device '{bad}'"):
            pick_device(bad)
