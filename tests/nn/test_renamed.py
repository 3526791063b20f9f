import dataclasses

import pytest

from ganzoo.gan import GAN, Progress
from ganzoo.nn.renamed import renamed_arguments, renamed_attributes, renamed_names


@renamed_attributes(old="new", call="run")
class Base:
    new = 1

    def run(self):
        return "base"


def test_a_subclass_that_overrides_the_old_name_overrides_the_new_one():
    class Middle(Base):
        def run(self):
            return "middle " + super().run()

    with pytest.warns(DeprecationWarning, match=r"Old\.call .*run"):

        class Old(Middle):
            def call(self):
                return "old " + super().call()

    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        assert Old().run() == "old middle base"
    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        assert Middle().call() == "middle base"


def test_a_mixin_that_overrides_the_old_name_overrides_the_new_one():
    class Mixin:
        old = 2

        def call(self):
            return "mixin " + super().call()

    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):

        class Mixed(Mixin, Base):
            pass

    assert Mixed.new == 2
    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        assert Mixed().run() == "mixin base"


def test_attributes_are_read_and_set_on_classes_and_instances():
    one = Base()
    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        one.old = 3
    assert (one.new, Base.new) == (3, 1)
    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        assert (one.old, Base.old, Base().old) == (3, 1, 1)


def test_a_class_that_has_both_names_goes_by_the_new_one_without_a_warning():
    class Both(Base):
        old = new = 4

    assert Both.new == 4


def test_a_class_that_has_neither_name_has_no_alias():
    class Plain(Base):
        pass

    class Later(Progress):
        pass

    assert not {"old", "new"} & vars(Plain).keys()
    assert not {"progress", "fraction"} & vars(Later).keys()


def test_fields_of_a_frozen_dataclass():
    with pytest.warns(DeprecationWarning, match="fraction"):
        progress = Progress(1, 2, 0, progress=0.5)
    assert progress == Progress(1, 2, 0, 0.5)
    with pytest.warns(DeprecationWarning, match="goes in ganzoo"):
        assert dataclasses.replace(progress, progress=0.75).fraction == 0.75


def test_arguments_and_names_of_a_module():
    @renamed_arguments(inside="in_features")
    def make(in_features, *, bias=True):
        return in_features, bias

    assert make(1, bias=False) == (1, False)
    with pytest.warns(DeprecationWarning, match="in_features"):
        assert make(inside=2) == (2, True)
    find = renamed_names("ganzoo.gan", Judge="GAN")
    with pytest.warns(DeprecationWarning, match="GAN"):
        assert find("Judge") is GAN
    with pytest.raises(AttributeError, match="nothing"):
        find("nothing")
