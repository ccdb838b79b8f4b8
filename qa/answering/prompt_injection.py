"""Recognise prompt injection: sentences in an article that instruct a language model. Pure.

The prompt tells a model not to obey them. In extractive mode they would be quoted, because they repeat the words of the
question that they target.
"""

from __future__ import annotations

import re

from qa.text.plain import visible_line

_REPLY = r"(?:answers?|response|reply|replies|output)"
_RULES = r"(?:instructions?|rules?|prompts?|guidelines|directions|evidence|system message)"
_INSTRUCTION = re.compile(
    rf"""(?ix)
    ^\W*(?:please\s+|now\s+|instead,?\s+)? (?:ignore|disregard|forget|override|bypass|do\s+not\s+follow)\b
        (?:\W+\w+){{0,4}}? \W+ {_RULES}\b
    | \b(?:in|to|of|with|modify|change|end|begin|start|enhance|augment|provide|write|give)\s+
        (?:your|every|each)\s+{_REPLY}\b
    | \byou\s+(?:must|should|shall|will|have\s+to)\s+(?:now\s+|only\s+|always\s+)*
        (?:answer(?!\s+(?:to|for)\b)|reply|respond(?!\s+to\b)|obey)\b
    | \b(?:repeat|print|reveal|show)\s+(?:\w+\s+){{0,2}}(?:text\s+above|system\s+prompt|your\s+{_RULES})
    | \b(?:note|message|instructions?|attention)\s+(?:to|for)\s+(?:all\s+|the\s+|any\s+)?
        (?:ai|llms?|language\s+models?|(?:ai\s+)?assistants?|chatbots?)\b
    | ^\W*(?:NOT_IN_SOURCES|PARTIAL)\W*$ | \bonly\s+NOT_IN_SOURCES\b
    | <\|\w{{2,20}}\|> | \[/?INST\] | <</?SYS>>
    """
)


def is_injected_instruction(sentence: str) -> bool:
    """Tell whether a sentence instructs a model, in English, or contains the tokens of a chat template."""
    return bool(_INSTRUCTION.search(visible_line(sentence)))
