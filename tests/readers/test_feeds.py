import pytest

from qa.readers.feeds import read_feed

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Example News</title><link>https://example.com</link>
<item>
  <title>Bridge &amp;amp; road</title><link> https://example.com/a </link><guid>x1</guid>
  <pubDate>Tue, 21 Mar 2023 10:00:00 GMT</pubDate><author>ann@example.com (Ann Lee)</author>
  <description>A teaser</description>
  <content:encoded><![CDATA[<p>The bridge 😀 will be rebuilt.</p>]]></content:encoded>
</item>
<item><title>No link</title><guid isPermaLink="false">x2</guid><dc:creator>Bo Dal</dc:creator>
  <dc:date>2023-03-22</dc:date><description>Text of it</description></item>
<item><guid>https://example.com/c</guid></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Example Blog</title>
<entry><title type="html">A &lt;b&gt;bold&lt;/b&gt; plan</title><id>urn:1</id>
  <link rel="self" href="https://example.com/feed"/><link href="https://example.com/1"/>
  <updated>2023-03-22T00:00:00Z</updated><published>2023-03-21T10:00:00Z</published>
  <author><name>Ann Lee</name></author>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Body of it</p></div></content></entry>
<entry><id>urn:2</id><summary type="text">1 &lt; 2</summary></entry>
</feed>"""


def test_rss_items() -> None:
    """RSS gives title, address, date, author and the longest content; the guid is the id where there is no address."""
    assert read_feed(RSS.encode()) == {
        "title": "Example News",
        "items": [
            {
                "title": "Bridge & road",
                "url": "https://example.com/a",
                "published_at": "Tue, 21 Mar 2023 10:00:00 GMT",
                "authors": ["Ann Lee"],
                "html": "<p>The bridge 😀 will be rebuilt.</p>",
            },
            {"title": "No link", "published_at": "2023-03-22", "authors": ["Bo Dal"], "id": "x2", "html": "Text of it"},
            {"url": "https://example.com/c"},
        ],
    }


def test_atom_entries() -> None:
    """Atom gives the alternate link, the date of publication before that of the update, and typed content."""
    feed = read_feed(ATOM.encode())
    assert isinstance(feed["items"], list)
    first, second = feed["items"]
    assert feed["title"] == "Example Blog"
    assert first["title"] == "A bold plan"
    assert first["url"] == "https://example.com/1"
    assert first["published_at"] == "2023-03-21T10:00:00Z"
    assert first["authors"] == ["Ann Lee"]
    assert "<p>Body of it</p>" in first["html"]
    assert second == {"id": "urn:2", "text": "1 < 2"}


def test_rss_1_items_beside_the_channel() -> None:
    """In RSS 1.0 the items are siblings of the channel."""
    rdf = '<rdf:RDF xmlns:rdf="r" xmlns="http://purl.org/rss/1.0/"><channel><title>T</title></channel><item><link>https://e.com/1</link></item></rdf:RDF>'
    assert read_feed(rdf.encode()) == {"title": "T", "items": [{"url": "https://e.com/1"}]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
            "entities",
        ),
        (
            b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>',
            "entities",
        ),
        (b"<rss><channel>", "not well-formed"),
        (b"", "not well-formed"),
        (b"\x00\x01\x02", "not well-formed"),
        (b"<html><body/></html>", "not an RSS or Atom feed"),
        (b"<rss>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</rss>", "not well-formed"),
    ],
)
def test_bad_feeds_are_refused(data: bytes, reason: str) -> None:
    """No entity is read from a file or expanded, and what is not a feed is refused with a reason."""
    with pytest.raises(ValueError, match=reason):
        read_feed(data)


def test_external_document_type_is_not_fetched() -> None:
    """An external DTD is neither fetched nor a reason to refuse: old RSS has one."""
    data = b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd"><rss><channel><title>T</title></channel></rss>'
    assert read_feed(data) == {"title": "T", "items": []}
