import math

import pytest

from isotropy.symmetry import _sentences as _words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.4e8, "2.4 × 10⁸"),
        (-1.5e-12, "−1.5 × 10⁻¹²"),
        (0.001, "0.001"),
        (3, "3"),
        (math.inf, "∞"),
        (math.nan, "undefined"),
        (None, "undefined"),
    ],
)
def test_numbers_read_as_people_write_them(value, text):
    assert _words.number(value) == text


def test_a_certified_answer_says_dimension_name_and_certainty(answer):
    assert _words.headline(answer) == (
        "There is a 3-dimensional continuous symmetry: so(3), the rotations. It passed all 6 checks."
    )
    assert _words.advice(answer) == []


def test_an_undecided_answer_names_the_failed_checks_and_what_to_do(answer):
    answer |= {"status": "undecided"}
    answer["certificates"]["closure"]["passed"] = False
    assert "1 of 6 checks failed (closed under the bracket)" in _words.headline(answer)
    assert len(_words.advice(answer)) == 1


def test_an_undecided_answer_without_direction_claims_none(nothing):
    words = _words.headline(nothing | {"status": "undecided"})
    assert "neither show nor exclude" in words
    assert "dimensional" not in words
    assert "looks symmetric" not in _words.meaning(nothing | {"status": "undecided"})


def test_no_symmetry_says_how_broken_the_best_direction_is(nothing):
    assert _words.headline(nothing) == "No continuous symmetry was found among the candidates gl(3)."
    assert "0.3" in _words.meaning(nothing)
    assert _words.advice(nothing)


@pytest.mark.parametrize(
    ("value", "passed", "needed"),
    [(10, True, "at least 3"), (1, True, "at most 3"), (10, False, "at most 3"), (1, False, "at least 3")],
)
def test_the_side_of_a_threshold_follows_from_the_outcome(nothing, value, passed, needed):
    nothing["certificates"] = {"own_check": {"value": value, "threshold": 3, "passed": passed}}
    (check,) = _words.checks(nothing)
    assert (check.name, check.needed, check.passed) == ("Own check", needed, passed)


def test_directions_the_data_cannot_judge_are_told(answer):
    sentences = _words.limits(answer | {"limits": ["All samples lie in a plane."], "trivial": 1, "transversal": 2})
    assert sentences[0] == "All samples lie in a plane."
    assert sentences[1].startswith("1 direction moved no sample")
    assert sentences[2].startswith("2 directions led off")
    assert "gl(3)" in sentences[3]


@pytest.mark.parametrize(
    ("name", "words"),
    [("so(1,3)", "rotations and Lorentz boosts"), ("so(3)", "rotations"), ("so(2) + so(2)", ""), (None, "")],
)
def test_only_plain_known_names_are_explained(name, words):
    assert _words.kind(name) == words
