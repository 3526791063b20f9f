"""Inception against torch-fidelity itself, with random weights in its file."""

import hashlib
import io
import pickle

import pytest
import torch
from torch.utils.data import Dataset
from torch_fidelity import calculate_metrics
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from extractors import colourful, grey, made, wide
from ganzoo.errors import ConfigError, WeightsError
from ganzoo_metrics import inception
from ganzoo_metrics.frechet import FrechetDistance
from ganzoo_metrics.images import fitted

FEATURES = ["2048", "logits_unbiased"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file like torch-fidelity's, with random weights that let something through."""
    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("x", FEATURES, feature_extractor_weights_path=empty)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif name.endswith(("bn.bias", "running_mean")):
            tensor.normal_(0, 0.1, generator=generator)
    path = tmp_path_factory.mktemp("weights") / inception.FILE
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def own(weights):
    """What the hash of the file must be."""
    return hashlib.sha256(weights.read_bytes()).hexdigest()


@pytest.fixture
def placed(weights, own, shelf, monkeypatch):
    """The file in ganzoo's own place."""
    monkeypatch.setattr(inception, "SHA256", own)
    shelf.mkdir(parents=True)
    (shelf / inception.FILE).symlink_to(weights)
    return shelf / inception.FILE


@pytest.fixture(scope="module")
def theirs(weights):
    return FeatureExtractorInceptionV3("x", FEATURES, feature_extractor_weights_path=str(weights))


@pytest.mark.parametrize("images", [grey, colourful, wide])
def test_features_and_logits_are_torch_fidelitys_bit_by_bit(placed, theirs, digits, images):
    shown = images(digits)
    seen = made("inception")(shown)
    features, logits = theirs(shown.expand(-1, 3, -1, -1))
    assert seen["features"].shape == (3, 2048)
    assert seen["logits"].shape == (3, 1008)
    assert torch.equal(seen["features"], features)
    assert torch.equal(seen["logits"], logits)
    assert seen["features"].std(0).mean() > 1e-3  # the images are told apart: the comparison says something


class Images(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i].expand(3, -1, -1)


@pytest.mark.slow
def test_values_are_torch_fidelitys(placed, digits):
    fakes, real = grey(digits, 48)[:24], grey(digits, 48)[24:]
    theirs = calculate_metrics(
        input1=Images(fakes), input2=Images(real), feature_extractor_weights_path=str(placed), cuda=False, cache=False,
        isc=True, fid=True, kid=True, kid_subsets=10, kid_subset_size=20, save_cpu_ram=True, verbose=False,
    )  # fmt: skip
    extractor, distance = made("inception"), FrechetDistance()
    seen = {kind: extractor(images) for kind, images in ((True, real), (False, fakes))}
    for kind, found in seen.items():
        distance.update(found, real=kind)
    kid = kid_features_to_metric(
        seen[False]["features"], seen[True]["features"], kid_subsets=10, kid_subset_size=20, verbose=False
    )
    isc = isc_features_to_metric(seen[False]["logits"])
    assert kid.items() <= theirs.items()
    assert isc.items() <= theirs.items()
    # Of so few images most of the 2,048 eigenvalues are zero but for rounding, and the roots of that are added up.
    assert distance.compute() == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)


def test_antialiased_it_is_the_same_network_on_another_resize(placed, theirs, digits):
    extractor = made("inception,antialias")
    large = fitted(grey(digits), 3, (299, 299), "bilinear").byte()  # nothing is left to resize
    assert torch.equal(extractor(large)["features"], theirs(large)[0])
    assert torch.equal(extractor(large)["logits"], theirs(large)[1])
    small = extractor(grey(digits))["features"]
    assert not torch.allclose(small, theirs(grey(digits).expand(-1, 3, -1, -1))[0])


@pytest.mark.parametrize(
    ("text", "written"),
    [("inception", ",tf-resize"), ("inception,tf-resize", ",tf-resize"), ("inception:antialias", ",antialias")],
)
def test_it_says_its_resize_and_its_weights(placed, own, text, written):
    extractor = made(text)
    assert (extractor.written, extractor.weights) == (written, own)
    assert not extractor.network.training
    assert not any(p.requires_grad for p in extractor.parameters())


def test_training_in_half_precision_around_it_changes_nothing(placed, digits):
    extractor = made("inception,antialias")
    alone = extractor(grey(digits))["features"]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(extractor(grey(digits))["features"], alone)


@pytest.mark.parametrize("name", inception.ELSEWHERE)
def test_the_file_is_found_where_others_keep_it(weights, own, shelf, tmp_path, monkeypatch, name):
    monkeypatch.setattr(inception, "SHA256", own)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / name).symlink_to(weights)
    assert inception.weights_file() == folder / name


def test_without_the_file_it_says_which_from_where_and_whereto(shelf, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError) as error:
        made("inception")
    text = str(error.value)
    assert text.startswith(f"inception needs {inception.FILE} (96 MB), and {inception.URL_INCEPTION_V3} is not asked")
    assert text.endswith(f"fetch it from there on any machine, and put it at {shelf / inception.FILE}")
    assert "\n" not in text


def test_another_file_of_that_name_is_refused(shelf):
    shelf.mkdir(parents=True)
    (shelf / inception.FILE).write_bytes(b"something else")
    with pytest.raises(WeightsError, match=f"sha256 .*{inception.SHA256} .*delete"):
        made("inception")


class Trap:
    """Pickled, it is an order to make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_no_code_in_the_file_is_run_even_if_its_hash_is_right(shelf, tmp_path, monkeypatch, save):
    shelf.mkdir(parents=True)
    path = shelf / inception.FILE
    save({"fc.weight": Trap(tmp_path / "ran")}, path)
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(WeightsError, match="weights of Inception"):
        made("inception")
    assert not (tmp_path / "ran").exists()


def test_tensors_of_another_network_are_refused(shelf, monkeypatch):
    shelf.mkdir(parents=True)
    torch.save({"fc.weight": torch.zeros(2, 2)}, shelf / inception.FILE)
    sha256 = hashlib.sha256((shelf / inception.FILE).read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "SHA256", sha256)
    with pytest.raises(WeightsError, match=r"Inception: Error.*state_dict"):
        made("inception")


def test_another_resize_is_refused():
    with pytest.raises(ConfigError, match=r"'antialis'.*'antialias'"):
        made("inception,antialis")
