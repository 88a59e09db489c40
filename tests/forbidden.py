"""Forms of addresses that must never be reached, by every trick that is known; each stands for a class."""

FORBIDDEN_ADDRESSES = [
    "0.0.0.0",  # noqa: S104 - to be refused, not to be bound
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3",
    "127.255.255.254", "168.63.129.16", "169.254.1.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::10.0.0.1",
    "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a00:1::", "2002:a9fe:a9fe::", "2620:4f:8000::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "ff0e::1", "4000::1",
    "2606:4700::5efe:7f00:1", "2606:4700:0:0:200:5efe:a00:1", "fe80::5efe:10.0.0.1", "64:ff9b:1:ffff::1", "192.88.99.2",
]  # fmt: skip

_ODD = [
    "http://2130706433/", "http://3232235521/", "http://2852039166/", "http://017700000001/", "http://0x7f000001/",
    "http://0x7F.0x0.0x0.0x1/", "http://0177.0.0.1/", "http://0177.0.0.01/", "http://127.1/", "http://127.0.1/",
    "http://0/", "http://0x0/", "http://00000000177.0.0.1/", "http://127.0.0.1./", "http://127.0.0.01/",
    "http://0x7f.1/", "http://127.0x0.0.1/", "http://4294967296/", "http://340282366920938463463374607431768211457/",
    "http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/",
    "http://१२७.0.0.1/", "http://٠.0.0.0/", "http://１69.254.169.254/", "http://0X7f.0.0.1/",
    "http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example.com/", "http://127.0.0.1%2f@example.com/",
    "http://example.com@127.0.0.1/", "http://user:pass@example.com/", "http://:@example.com/", "http://@example.com/",
    "http://127.0.0.1\\@example.com/", "http://example.com\\@127.0.0.1/", "http:\\\\127.0.0.1\\", "http:/\\127.0.0.1/",
    "http:///127.0.0.1/", "http:127.0.0.1", "http:/127.0.0.1", "//127.0.0.1/", "127.0.0.1", "http://", "http://?x", "",
    "http://[::1%25lo]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1/", "http://::1/",
    "http://[127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[v1.x]/",
    "http://[::1]evil/", "http://evil[::1]/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://foo.localhost/", "http://ⓛocalhost/",
    "http://localhost.localdomain/", "http://printer.local/", "http://metadata.google.internal/", "http://metadata/",
    "http://router.lan/", "http://nas.home.arpa/", "http://abc.onion/", "http://intranet/",
    "http://example.com:22/", "http://example.com:25/", "http://example.com:6379/", "http://example.com:0/",
    "http://example.com:65536/", "http://example.com:+80/", "http://example.com:８０/", "http://example.com:080/",
    "http://example.com:/", "http://example.com:80:80/", "http://example.com:-1/", "https://example.com:11211/",
    "file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1:11211/",
    "ldap://example.com/", "data:text/xml,<rss/>", "javascript:alert(1)", "jar:http://example.com!/", "feed://x.example/",
    "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun/", "netdoc:///etc/passwd", "HTTPX://example.com/",
    " http://example.com/", "http://example.com/ ", "http://exam\nple.com/", "http://example.com\t/",
    "ht\ttp://127.0.0.1/", "http://example.com/\r\nHost: 127.0.0.1", "http://example.com\x00.evil/",
    "http://exa\u200bmple.com/", "http://example\u2024com:22/", "http://exam_ple.c_m/", "http://-example.com/",
    "http://example..com/", "http://.example.com/", "http://example.com./", "http://a" + "a" * 70 + ".com/",
    "http://[::ffff:0:7f00:1]/", "http://[::%31]/", "http://[::1%1]/", "http://0b1111111.0.0.1/", "http://0o177.0.0.1/",
    "http://1.1.1.1.1/", "http://256.1.1.1/", "http://127.0.0.1%23@example.com/", "http://localho\u017ft/",
    "http://kubernetes.default.svc/", "http://10.in-addr.arpa/", "http://x.intranet/", "http://x.consul/",
    "http://example.com:%38%30/", "http://example.com:6667/", "http://example.com:9200/", "https:example.com",
    "http://example.com/" + "a" * 5000, "http://xn--\ud800.com/",
]  # fmt: skip

FORBIDDEN_URLS = [f"http://[{text}]/" if ":" in text else f"http://{text}/" for text in FORBIDDEN_ADDRESSES] + _ODD
