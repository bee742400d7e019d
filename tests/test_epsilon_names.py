"""A folder for each ε: its name gives the value back, and the command that makes it."""

import style
import pytest

from common import cli, runs


@pytest.mark.parametrize(
    "text, name",
    [
        ("8/255", "8_255"),
        ("16/510", "8_255"),
        ("1/2", "0.5"),
        ("0.1", "0.1"),
        ("1/3", "1_3"),
        ("0.3333333", "0.3333333"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e-7", "0.0000001"),
    ],
)
def test_name_gives_the_value_and_the_command_back(text, name):
    value = cli.epsilon(text)
    run = runs.name("robust", value)
    assert run == f"robust-{name}"
    *_, flag, again = runs.command(run).split()
    assert flag == "--epsilon" and cli.epsilon(again) == value


def test_values_that_differ_have_names_that_differ():
    values = {cli.epsilon(f"{above}/{below}") for below in range(1, 300) for above in range(20)}
    assert len({runs.epsilon_name(value) for value in values}) == len(values)


def test_a_figure_shows_the_fraction():
    assert style.label("robust-8_255") == r"robust $\epsilon$ = 8/255"
