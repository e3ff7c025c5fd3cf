"""What a resumed search knows of itself."""

from dataclasses import replace

from engine.proxyless.architecture_learner import ArchitectureStats
from engine.proxyless.course import Course


def test_a_course_comes_back_as_it_was_saved() -> None:
    course = Course(is_over=True, ended_early="asked")
    course.visit((0, 1))
    course.visit((2, 1))
    course.visit((0, 1))
    course.settle((0, 1), is_within=True)
    course.since.add(ArchitectureStats(loss=1.0, accuracy=0.5, reward=0.25))

    again = Course.of(course.state())

    assert again == course
    assert list(again.visited) == [(2, 1), (0, 1)]  # those seen last stand last
    assert Course.of(replace(Course(), settled_epochs=2).state()).settled_epochs == 2


def test_an_argmax_settles_while_it_stays_the_same_within_the_budgets() -> None:
    course, counts = Course(), []
    for argmax, is_within in (
        ((0,), True),
        ((0,), True),
        ((0,), True),
        ((0,), False),
        ((1,), True),
    ):
        course.settle(argmax, is_within=is_within)
        counts.append(course.settled_epochs)

    assert counts == [0, 1, 2, 0, 0]


def test_steps_are_told_by_their_mean() -> None:
    course = Course()
    for loss, reward in ((1.0, 0.25), (2.0, 0.75)):
        course.since.add(ArchitectureStats(loss=loss, accuracy=0.5, reward=reward))

    assert course.since.mean() == ArchitectureStats(loss=1.5, accuracy=0.5, reward=0.5)
