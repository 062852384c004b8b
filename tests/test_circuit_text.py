"""Circuits as text: what they mean, and what is said of text that is none."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percolyte.errors import InputError
from percolyte.impedance.branch import Branch, Parallel, Series
from percolyte.impedance.circuit import parse_circuit
from percolyte.impedance.elements import LAWS, element
from percolyte.impedance.tlm import CASES, End, TransmissionLine

OMEGA = 2.0 * np.pi * np.geomspace(1e-3, 1e6, 19)


def names(branch: Branch) -> list[str]:
    return [parameter.name for parameter in branch.parameters]


def test_a_circuit_is_read_as_written() -> None:
    branch = parse_circuit("R0-p(R1,CPE1)-Wo2")
    assert names(branch) == ["R0", "R1", "CPE1_Q", "CPE1_a", "Wo2_R", "Wo2_tau"]
    assert branch == Series(
        (
            element("R", "R0"),
            Parallel((element("R", "R1"), element("CPE", "CPE1_Q", "CPE1_a"))),
            element("Wo", "Wo2_R", "Wo2_tau"),
        )
    )


def test_spaces_mean_nothing_and_groups_nest() -> None:
    assert parse_circuit(" R0 - p ( R1 - C3, p(R2,CPE1), L1 ) ") == parse_circuit("R0-p(R1-C3,p(R2,CPE1),L1)")


def test_every_element_can_be_written() -> None:
    for symbol, law in LAWS.items():
        assert len(parse_circuit(f"{symbol}1").parameters) == len(law.parameters)


def test_a_randles_circuit_has_the_impedance_of_its_formula() -> None:
    impedance, _ = parse_circuit("R0-p(R1-W1,C1)").evaluate(np.array([5.0, 20.0, 3.0, 1e-5]), OMEGA)
    faradaic = 20.0 + 3.0 * (1.0 - 1.0j) / np.sqrt(OMEGA)
    np.testing.assert_allclose(impedance, 5.0 + 1.0 / (1.0 / faradaic + 1j * OMEGA * 1e-5), rtol=1e-13)


def test_a_line_carries_its_interface_in_parentheses() -> None:
    branch = parse_circuit("R0-TLMc1(p(R2-Wo2,CPE2))")
    assert names(branch)[:4] == ["R0", "TLMc1_Ri", "TLMc1_Re", "R2"]
    assert isinstance(branch, Series)
    assert branch.parts[1] == TransmissionLine(CASES["c"], parse_circuit("p(R2-Wo2,CPE2)"), ("TLMc1_Ri", "TLMc1_Re"))


def test_a_line_with_general_ends_names_its_four_contacts() -> None:
    branch = parse_circuit("TLMg1(CPE1,open,R1,p(R2,C2),short)")
    assert isinstance(branch, TransmissionLine)
    assert branch.ends == (End("open", element("R", "R1")), End(parse_circuit("p(R2,C2)"), "short"))


@pytest.mark.parametrize(
    ("text", "character", "advice"),
    [
        ("R0-p(R1,C1", 11, r"the parenthesis opened at character 5 is not closed; write '\)'"),
        ("R0-p(R1 C1)", 9, "write '-' or ',' before it"),
        ("R0-p(R1)", 4, r"two branches at least; write for example p\(R1,CPE1\)"),
        ("R0-p()", 6, "an element is missing"),
        ("", 1, "an element is missing; write for example R0-p"),
        ("R0-", 4, "an element is missing"),
        ("R0--R1", 4, "an element is missing"),
        ("R0-R1)", 6, "closes none; remove it"),
        ("R0 R1", 4, "write '-' between parts in series"),
        ("R-C1", 1, "R has no number; write for example R1"),
        ("R1-R1", 4, "R1 is there twice"),
        ("R0-Q1", 4, "a constant phase element is written CPE"),
        ("R0-cpe1", 4, "did you mean 'CPE'"),
        ("R0-X1", 4, "elements are R, C, L, CPE"),
        ("R0+R1", 3, r"'\+' means nothing in a circuit"),
        ("__import__('os')", 1, "'_' means nothing in a circuit"),
        ("R0-TLMa1", 9, r"needs its interface in parentheses; write for example TLMa1\(CPE1\)"),
        ("TLMa1(CPE1,R1)", 1, r"is written as for example TLMa1\(CPE1\)"),
        ("TLMa1(open)", 1, r"is written as for example TLMa1\(CPE1\)"),
        (
            "TLMz1(CPE1)",
            1,
            r"not known: a between steel \(ions blocked\), .* g any contacts; write for example TLMa1\(CPE1\)",
        ),
        ("R0-TLM1(CPE1)", 4, r"a transmission line is TLM, the letter of its contacts and a number: a between steel"),
        ("R0-X1", 4, r"elements are R, C, .* and transmission lines such as TLMa1\(CPE1\)"),
        ("TLMg1(CPE1,open,open,R1,R2)", 1, "contact the ions or the electrons"),
        ("p(" * 40 + "R1", 62, "nested more than 30 deep"),
        ("R0-open", 4, "no element is called 'open'"),
    ],
)
def test_nonsense_is_answered_by_its_place_and_what_to_write(text: str, character: int, advice: str) -> None:
    with pytest.raises(InputError, match=advice) as caught:
        parse_circuit(text)
    assert f"character {character}:" in str(caught.value)


def test_a_circuit_of_absurd_length_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="at most 1000 are read"):
        parse_circuit("R1-" * 10**6)


@settings(max_examples=300)
@given(st.text(alphabet="RCLWpoPESTMacg()-,0123 é\n", max_size=40))
def test_any_text_is_a_circuit_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(InputError):
        assert parse_circuit(text).parameters
