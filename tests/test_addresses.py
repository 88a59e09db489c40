"""What may be asked: forms of URLs, nets, and the operator's exceptions."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.addresses import Exemption, Guard, Refused, Target, forbidden, read
from tests.forbidden import FORBIDDEN_ADDRESSES, FORBIDDEN_URLS


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_a_forbidden_form_is_refused_before_anything_is_looked_up(url: str) -> None:
    refused = Guard().check(url)
    assert isinstance(refused, Refused)
    assert refused.what


def test_the_class_of_forbidden_forms_is_as_large_as_the_one_that_will_be_tried() -> None:
    assert len(set(FORBIDDEN_URLS)) >= 97


@pytest.mark.parametrize("text", FORBIDDEN_ADDRESSES)
def test_an_address_that_is_not_of_the_public_internet_is_refused_behind_a_name(text: str) -> None:
    target = read("http://feeds.example/")
    assert isinstance(target, Target)
    refused = Guard().check_address(target, ipaddress.ip_address(text))
    assert refused is not None
    assert "feeds.example" in refused.what


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2400:3200::1", "2a00:1450::1"])
def test_public_addresses_pass(text: str) -> None:
    assert forbidden(ipaddress.ip_address(text)) == ""


def test_addresses_beyond_the_list_are_refused_too() -> None:
    assert "not a public IPv6" in forbidden(ipaddress.ip_address("4000::1"))
    assert "not a public IPv6" in forbidden(ipaddress.ip_address("2606:4700::1%eth0"))


@given(st.ip_addresses())
def test_what_python_calls_not_global_is_never_reached(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global:
        assert forbidden(address)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.com:80/A?b=1#c", "http://example.com/A?b=1"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://bücher.example/ü%C3%BC?q=é", "https://xn--bcher-kva.example/%C3%BC%C3%BC?q=%C3%A9"),
        ("http://xn--bcher-kva.example/100%", "http://xn--bcher-kva.example/100%25"),
        ("http://[2606:4700:4700:0::1111]:8080/", "http://[2606:4700:4700::1111]:8080/"),
        ("http://1.1.1.1/", "http://1.1.1.1/"),
    ],
)
def test_a_url_comes_back_in_one_spelling(url: str, same: str) -> None:
    target = Guard().check(url)
    assert isinstance(target, Target)
    assert target.url == same
    assert read(target.url) == target


@given(st.text(max_size=60))
def test_any_text_is_either_refused_or_a_url_that_reads_the_same_again(text: str) -> None:
    target = read(text)
    again = read(f"http://{text}/")
    for one in (target, again):
        assert isinstance(one, Refused) or read(one.url) == one


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/feed", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8001/feed", False),
        ("127.0.0.1", "http://127.0.0.1:5432/feed", True),
        ("127.0.0.1:*", "http://127.0.0.1:5432/feed", True),
        ("127.0.0.1", "http://127.0.0.2/feed", False),
        ("127.0.0.1", "http://2130706433/", False),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", False),
        ("10.1.0.0/16", "http://10.1.2.3/feed", True),
        ("10.1.0.0/16", "http://10.2.2.3/feed", False),
        ("[fd00::1]:8080", "http://[fd00::1]:8080/", True),
        ("[fd00::1]:8080", "http://[fd00::1]/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("intranet", "http://intranet/feed", True),
        ("News.Example:9000", "http://news.example:9000/", True),
        ("intranet", "http://user@intranet/feed", False),
        ("intranet", "ftp://intranet/feed", False),
    ],
)
def test_the_operators_exceptions(entry: str, url: str, allowed: bool) -> None:
    assert isinstance(Guard([entry]).check(url), Target) is allowed
    assert isinstance(Guard([entry]).check(url, inside=False), Refused)


def test_a_net_on_the_list_does_not_hold_for_names_that_lead_into_it() -> None:
    guard = Guard(["10.0.0.0/8", "desk.example"])
    inside = ipaddress.ip_address("10.0.0.1")
    anyone, desk = read("http://anyone.example/"), read("http://desk.example/")
    assert isinstance(anyone, Target)
    assert isinstance(desk, Target)
    assert guard.check_address(anyone, inside) is not None
    assert guard.check_address(desk, inside) is None
    assert guard.check_address(desk, inside, inside=False) is not None


@pytest.mark.parametrize(
    "text", ["", "a b", "10.0.0.0/33", "host:0", "host:70000", "http://x", "::1:x", "1.2.3", "0x7f.1", "10.0.0.1/8"]
)
def test_an_exception_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Exemption.read(text)
