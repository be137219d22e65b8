import pytest

from alerts.channel import ChannelSetupError
from alerts.slack.address import checked_address

SECRET = "B0/s3cretpart"


@pytest.mark.parametrize(
    "address",
    [
        f"https://hooks.slack.com/services/T0/{SECRET}",
        f" https://hooks.slack-gov.com/services/T0/{SECRET}\n",
        "http://127.0.0.1:9999/hook",
        "https://relay.example/",
        "http://[::1]:80",
    ],
)
def test_addresses_that_may_be_webhooks(address):
    assert checked_address(address).url == address.strip()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "got nothing"),
        ("xoxb-s3cretpart", "got a Slack token"),
        (f"hooks.slack.com/services/T0/{SECRET}", "does not start with https://"),
        (f"ftp://hooks.slack.com/services/T0/{SECRET}", "does not start with https://"),
        (f"http://hooks.slack.com/services/T0/{SECRET}", "takes https:// only"),
        ("https://hooks.slack.com/workflows/T0/A0/1/s3cretpart", "not an incoming webhook"),
        ("https://hooks.slack.com/services/T0/s3cretpart", "incomplete"),
        (f"https://api.slack.com/services/T0/{SECRET}", "api.slack.com, where no webhooks are"),
        (f"https://me:s3cretpart@relay.example/{SECRET}", "a user name in it"),
        (f"https://relay.example/ {SECRET}", "spaces"),
        (f"https://relay.example/{SECRET}\u202e", "characters that no address has"),
        (f"https://relay.example:http/{SECRET}", "host or port makes no sense"),
        (f"https:///{SECRET}", "does not start with https:// and a host"),
    ],
)
def test_others_are_refused_without_repeating_them(address, words):
    with pytest.raises(ChannelSetupError) as caught:
        checked_address(address)
    assert words in str(caught.value)
    assert "looks like https://hooks.slack.com/services/" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_secret_is_hidden_in_what_servers_repeat():
    address = checked_address("https://hooks.slack.com/services/T00000000/B00000000/s3cretpart?key=s3cretquery")
    said = "Cannot POST /services/T00000000/B00000000/s3cretpart with key=s3cretquery in services of s3cretpart"
    assert address.redacted(said) == "Cannot POST [hidden] with [hidden] in services of [hidden]"
