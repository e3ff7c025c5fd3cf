"""The best accuracy so far against policies scored."""

from webapp.charts.effort import ScoredEpisode, equal_cost_chart

EPISODES = [
    ScoredEpisode(strategy="agent", episode=episode, accuracy=accuracy)
    for episode, accuracy in ((3, 0.6), (1, 0.5), (2, 0.4))
] + [ScoredEpisode(strategy="solver", episode=1, accuracy=0.55)]


def test_a_curve_never_falls_whatever_order_the_log_has() -> None:
    chart = equal_cost_chart(EPISODES)

    agent = next(trace for trace in chart.figure["data"] if trace["name"] == "Agent")
    assert agent["x"] == [1, 2, 3]
    assert agent["y"] == [50.0, 50.0, 60.0]


def test_a_strategy_of_one_policy_is_a_mark() -> None:
    chart = equal_cost_chart(EPISODES)

    solver = next(trace for trace in chart.figure["data"] if trace["name"] == "Solver")
    assert "markers" in solver["mode"]


def test_the_table_compares_at_equal_numbers_of_policies() -> None:
    table = equal_cost_chart(EPISODES).table

    assert table.columns == ("Strategy", "after 1", "after 3")
    assert [row[0] for row in table.rows] == ["Solver", "Agent"]
    assert table.rows[0][2] == "–"  # it scored no third policy


def test_without_a_scored_policy_there_is_a_sentence() -> None:
    assert equal_cost_chart([]).summary == "No policy was scored."
