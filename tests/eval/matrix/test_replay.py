"""Kept replies: repeated to another prompt for the same question with that prompt's ids."""

import asyncio
import time
from contextlib import aclosing

import pytest

from eval.matrix.replay import RecordingModel, translated
from qa import Message, ModelBroken, ModelUnavailable
from tests.fakes import ScriptedChat


def prompt(*ids, fence="f00d"):
    lines = [f"[{sentence_id}] The ferry sank in {year}." for sentence_id, year in zip(ids, (2018, 2019), strict=True)]
    return [Message("system", "Cite ids."), Message("user", "\n".join([f"<<< {fence}", *lines, "When?"]))]


async def read(model, messages):
    text = ""
    async with aclosing(model.stream(messages, deadline=time.monotonic() + 5, max_tokens=9)) as pieces:
        async for piece in pieces:
            text += getattr(piece, "text", "")
    return text


@pytest.mark.parametrize(("old", "new"), [(("s2abcd", "s9wxyz"), ("s3qqqq", "s4mmmm")), (("a", "k"), ("b", "m"))])
def test_ids_are_exchanged_whatever_they_look_like(old, new):
    """Only words in which the prompts differ change, in any case; the words of the answer stay."""
    reply = f"The ferry sank in 2019. [{old[1].upper()}, {old[0]}] f00d"
    assert translated(reply, prompt(*old), prompt(*new, fence="cafe")) == (
        f"The ferry sank in 2019. [{new[1]}, {new[0]}] cafe"
    )


def test_equal_prompts_change_nothing():
    """Ids that are the same for every prompt need no exchange."""
    assert translated("In 2019. [2]", prompt("1", "2"), prompt("1", "2")) == "In 2019. [2]"


def test_a_reply_to_another_prompt_is_refused():
    """A prompt with other evidence, or with an id that is a word of the text too, is not answered from what is kept."""
    with pytest.raises(ModelBroken, match="another prompt"):
        translated("x", prompt("a", "b"), [*prompt("a", "b"), Message("user", "more")])
    with pytest.raises(ModelBroken, match="is an id in its prompt"):
        translated("x", prompt("ferry", "b"), prompt("c", "d"))


def test_a_call_is_kept_and_repeated_without_the_server():
    """The second prompt gets the same reply with its own ids; a third call than was kept is an error."""

    async def twice():
        asked = []

        def reply(messages):
            asked.append(messages)
            return ["In 2019. ", "[s9wxyz]"]

        model = RecordingModel(ScriptedChat(reply))
        with model.recording() as calls:
            assert await read(model, prompt("s2abcd", "s9wxyz")) == "In 2019. [s9wxyz]"
        with model.repeating(calls):
            assert await read(model, prompt("s3qqqq", "s4mmmm")) == "In 2019. [s4mmmm]"
            with pytest.raises(ModelBroken, match="more calls"):
                await read(model, prompt("s3qqqq", "s4mmmm"))
        return len(asked)

    assert asyncio.run(twice()) == 1


def test_a_failure_is_repeated_too():
    """What the model wrote before it failed comes again, and then the same error."""

    def broken(messages):
        yield "In 20"
        raise ModelUnavailable("gone")

    async def fail_twice():
        model = RecordingModel(ScriptedChat(broken))
        with model.recording() as calls, pytest.raises(ModelUnavailable, match="gone"):
            await read(model, prompt("a", "b"))
        assert calls[0].text == "In 20"
        with model.repeating(calls), pytest.raises(ModelUnavailable, match="gone"):
            await read(model, prompt("a", "b"))

    asyncio.run(fail_twice())


def test_tasks_do_not_hear_each_other():
    """Questions asked at once keep their own calls."""

    async def both():
        replies = iter(("one", "two"))
        model = RecordingModel(ScriptedChat(lambda messages: [next(replies)]))

        async def ask():
            with model.recording() as calls:
                await asyncio.sleep(0)
                await read(model, prompt("a", "b"))
                await asyncio.sleep(0)
                return [call.text for call in calls]

        return await asyncio.gather(ask(), ask())

    assert sorted(asyncio.run(both())) == [["one"], ["two"]]
