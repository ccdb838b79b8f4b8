"""Read RSS 0.9 to 2.0 and Atom feeds. Runs in the killable child process of `qa.readers.html_process`."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree, html  # type: ignore[import-untyped]  # lxml ships no types

_CONTENT = ("encoded", "content", "description", "summary")
_DATES = ("pubDate", "published", "issued", "date", "updated", "modified")


def read_feed(data: bytes) -> dict[str, object]:
    """Return a feed's title and its items, each as the fields of an article row. Raises ValueError."""
    # Entities are not resolved and the DTD is never fetched: a feed cannot make us include a local file (XXE).
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        raise ValueError(f"not well-formed XML: {exc.msg}") from exc
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(True for _ in subset.iterentities()):
        raise ValueError("the XML declares entities, which are not read")
    if _name(root) not in ("rss", "RDF", "feed"):
        raise ValueError("not an RSS or Atom feed")
    channel = next(_children(root, "channel"), root)
    items = [*_children(channel, "item"), *(_children(root, "item") if channel is not root else ())]
    items += _children(root, "entry")
    return {"title": _title(channel), "items": [_read_item(item) for item in items]}


def _read_item(item: etree._Element) -> dict[str, object]:
    """Return the fields of one item; a field that it does not have is left out."""
    fields: dict[str, object] = {"title": _title(item), "url": _link(item), "published_at": _first(item, _DATES)}
    fields["authors"] = [author for element in item if (author := _author(element))]
    if not fields["url"]:
        fields["id"] = _first(item, ("guid", "id"))
    content = [element for name in _CONTENT for element in _children(item, name)]
    # A feed may contain both a teaser and the text; the longest is the text.
    if content:
        kind, text = max(map(_content, content), key=lambda candidate: len(candidate[1]))
        fields[kind] = text
    return {key: value for key, value in fields.items() if value}


def _name(element: etree._Element) -> str:
    """Return an element's name without its namespace; the empty string for a comment or an instruction."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element if _name(child) == name)


def _text(element: etree._Element) -> str:
    return "".join(element.itertext()).strip()


def _first(item: etree._Element, names: tuple[str, ...]) -> str:
    """Return the text of the first child that has one, trying the names in order."""
    return next((text for name in names for child in _children(item, name) if (text := _text(child))), "")


def _title(item: etree._Element) -> str:
    """Return the title as plain text: some feeds put HTML into it."""
    title = " ".join(_first(item, ("title",)).split())
    if "<" not in title and "&" not in title:
        return title
    return " ".join(str(html.fragment_fromstring(title, create_parent="div").text_content()).split())


def _link(item: etree._Element) -> str:
    """Return the URL of the item itself, not of its comments or its audio file."""
    for link in _children(item, "link"):
        if link.get("rel", "alternate") == "alternate" and (address := link.get("href") or _text(link)):
            return str(address).strip()
    guid = next(_children(item, "guid"), None)
    if (
        guid is not None
        and guid.get("isPermaLink", "true") == "true"
        and _text(guid).startswith(("http://", "https://"))
    ):
        return _text(guid)
    return ""


def _author(element: etree._Element) -> str:
    """Return the name in an author element; RSS writes "mail@host (Name)", Atom has an element for the name."""
    if _name(element) not in ("author", "creator"):
        return ""
    named = next(_children(element, "name"), element)
    text = " ".join(_text(named).split())
    return text.partition("(")[2].rstrip(")") if "@" in text else text


def _content(element: etree._Element) -> tuple[str, str]:
    """Return whether the content is HTML or text, and the content; RSS does not say, and its content is HTML."""
    if element.get("type") == "xhtml":
        return "html", "".join(etree.tostring(child, encoding="unicode") for child in element)
    return "text" if element.get("type") in ("text", "text/plain") else "html", _text(element)
