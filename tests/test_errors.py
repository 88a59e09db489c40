from digest.errors import ConfigError, DigestError, InputError, JailError, NotFound, PickupError, StateError


def test_an_input_error_says_where_what_and_what_to_do() -> None:
    error = PickupError("not UTF-8", where="page.txt", line=3, remedy="save it as UTF-8")
    assert str(error) == "page.txt:3: not UTF-8 (save it as UTF-8)"
    assert str(InputError("empty", line=2)) == "input:2: empty"
    assert str(InputError("empty")) == "empty"
    assert str(InputError("empty", where="list.csv")) == "list.csv: empty"
    assert isinstance(error, DigestError)


def test_configuration_stands_outside_the_tree() -> None:
    error = ConfigError("one", "two")
    assert error.problems == ("one", "two")
    assert str(error) == "one\ntwo"
    assert not isinstance(error, DigestError)


def test_errors_carry_their_data() -> None:
    missing = NotFound("edition", "weekly-2018-W29", "compose it first")
    assert (missing.noun, missing.key) == ("edition", "weekly-2018-W29")
    assert str(missing) == "no edition 'weekly-2018-W29' (compose it first)"
    state = StateError("edition x", "sent", "pin a story")
    assert (state.thing, state.state, state.act) == ("edition x", "sent", "pin a story")
    assert str(state) == "edition x is sent: cannot pin a story"
    jail = JailError("time", "5 s")
    assert (jail.reason, jail.detail) == ("time", "5 s")
    assert str(JailError("died")) == "the parser was stopped: died"
