"""The reader of server-sent events, by itself."""


def parsed(reader, pieces):
    return reader.driver.execute_async_script(
        "const [pieces, done] = arguments; import('/assets/live.js').then(({parser}) => { const all = []; const feed = parser((one) => all.push([one.event, one.data, one.id ?? null])); pieces.forEach(feed); done(all); });",
        pieces,
    )


def test_events_are_read_however_the_stream_is_cut(reader, stand):
    reader.open(stand.address)
    text = ": hello\n\nid: 7\nevent: step\ndata: {\"a\":1}\n\ndata: one\ndata: two\n\r\nid\r\ndata:bare\r\n\r\nevent: empty\n\ndata\n\n"
    expected = [["step", '{"a":1}', "7"], ["message", "one\ntwo", "7"], ["message", "bare", ""], ["message", "", ""]]
    assert parsed(reader, [text]) == expected
    assert parsed(reader, list(text)) == expected
    for size in (2, 3, 7):
        assert parsed(reader, [text[at : at + size] for at in range(0, len(text), size)]) == expected


def test_an_event_that_is_not_finished_is_not_told(reader, stand):
    reader.open(stand.address)
    assert parsed(reader, ["data: half\n"]) == []
