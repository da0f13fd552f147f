"""When the rate falls, and when a stage ends."""

from __future__ import annotations

import pytest

from phototag.bench.training_plan import Plan, plan_of
from phototag.bench.watch import Watch
from phototag.errors import UsageError


def rates(plan: Plan, losses: list[float]) -> list[float]:
    watch, found = Watch(20), []
    for loss in losses:
        watch = watch.after(loss, plan)
        found.append(watch.rate(plan, 0))
    return found


def test_the_rate_is_halved_on_a_plateau_and_the_stage_ends_on_a_longer_one() -> None:
    plan = Plan(rate=0.8, patience=4)
    assert rates(plan, [3, 2, 2, 2, 2, 1]) == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4]
    watch = Watch(20)
    for loss in (3.0, 2.0, 2.5, 2.5, 2.5):
        watch = watch.after(loss, plan)
        assert not watch.is_over(plan)
    assert watch.after(2.0, plan).is_over(plan)
    assert not watch.after(1.9, plan).is_over(plan)


def test_a_cosine_falls_over_all_epochs() -> None:
    plan = Plan(rate=1.0, fine_rate=0.1, schedule="cosine", patience=0)
    found = rates(plan, [1.0] * 20)
    assert found == sorted(found, reverse=True)
    assert found[9] == pytest.approx(0.5)
    assert found[-1] == pytest.approx(0.01)
    assert Watch(10).rate(plan, 1, 0.5) == pytest.approx(0.1, rel=0.01)
    assert rates(Plan(rate=0.3, schedule="constant"), [1.0] * 9) == [0.3] * 9


@pytest.mark.parametrize(
    "plan",
    [
        Plan(model="resnet"),
        Plan(model="cnn", weights="face"),
        Plan(model="mobilenet", weights="face"),
        Plan(model="cnn-binary"),
        Plan(model="vgg16", person="Ann"),
        Plan(optimizer="muon"),
        Plan(model="inception", size=60),
        Plan(schedule="steps"),
        Plan(augmentation="wild"),
        Plan(precision="int4"),
    ],
)
def test_choices_that_do_not_fit_together_are_refused(plan: Plan) -> None:
    with pytest.raises(UsageError):
        plan.checked()


def test_each_model_fills_in_its_own_choices() -> None:
    assert (Plan().checked().weights, Plan().checked().input(48).size) == ("face", 48)
    imagenet = Plan(weights="imagenet").checked().input(0)
    assert (imagenet.color, imagenet.size) == ("bgr", 112)
    binary = Plan(model="cnn-binary", person="Ann").checked()
    assert (binary.input(0).size, binary.input(0).scale, binary.two_stages) == (
        150,
        (255,) * 3,
        False,
    )
    assert Plan(model="inception").checked().weights == "imagenet"
    patience = [Plan(model=m).checked().patience for m in ("vgg16", "cnn")]
    assert [*patience, Plan(patience=0).checked().patience] == [6, 15, 0]
    assert plan_of(Plan().as_json()) == Plan()
    with pytest.raises(UsageError, match="another phototag"):
        plan_of({"model": "vgg16", "wings": 2})
