r"""What attacks on a bot look like, as data.

A blank in a pattern stands for whatever parts two words, `{name}` for a group of `WORDS`.
Patterns are searched in lower-case readings. A family counts once, with its weight, which is
about how sure one may be that such a text is meant for the bot: the score of a text is
1 - product of (1 - weight), and `THRESHOLD` stops it.
"""

from dataclasses import dataclass
from typing import Literal

THRESHOLD = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Patterns of one kind of attack; `where` it is looked for."""

    name: str
    weight: float
    patterns: tuple[str, ...]
    where: Literal["question", "passage", "both"] = "both"


WORDS = {
    "drop": r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|overlook|discard"
    r"|neglect|drop|erase|cancel|void|stop (?:following|obeying|using)|abandon"
    r"|(?:do not|don'?t|never|no longer) (?:follow|obey|apply|respect|use|listen to))",
    "gap": r"(?:[\w']+ ){0,4}?",
    "earlier": r"(?:previous|prior|preceding|earlier|above|foregoing|former|initial|original"
    r"|existing|current|system|developer|hidden|internal|secret|safety|given|your|ur|its|built in)",
    "rules": r"(?:instructions?|directives?|directions?|guidelines?|rules?|prompts?|commands?"
    r"|programming|training|constraints?|restrictions?|context|guardrails?|safeguards?|filters?"
    r"|polic(?:y|ies))",
    "bot": r"(?:an? |the |this |any |all |every |our |your |dear |automated |helpful )*"
    r"(?:ai|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|bots?|gpt\w*|chatgpt|claude"
    r"|gemini|copilot|ai (?:assistants?|agents?|models?|systems?|tools?)"
    r"|(?:virtual|automated|digital|support|ai) (?:assistants?|agents?))",
    "show": r"(?:reveal|show|print|repeat|output|display|tell|give|leak|dump|expose|recite|send"
    r"|translate|summari[sz]e|write|copy|encode|disclose|share|list|return|paste|echo|quote|append"
    r"|include|read|paraphrase|rephrase|describe|explain|provide|spell|what(?:'s| is| are| was"
    r"| were))",
    "say": r"(?:say|answer|reply|respond|state|tell|claim|confirm|promise|write|output|mention"
    r"|recommend|advise|advertise|pretend|speak|talk|act|behave|agree|approve|grant)",
    "customer": r"(?:the |every |all |any |each |our )*(?:users?|customers?|readers?|visitors?"
    r"|humans?|persons? asking|people asking)",
}

FAMILIES = (
    Family(
        name="sets earlier instructions aside",
        weight=0.9,
        patterns=(
            r"\b{drop} {gap}{earlier} {gap}{rules}",
            r"\b{drop} (?:all |any |each |every )*(?:of )?(?:the |these |those |your |ur )*{rules}"
            r" (?:above|before|you|that (?:you|were)|of the (?:prompt|system)|from (?:your|the))",
            r"\b{drop} (?:all|everything|anything|the text|the words?|what|whatever)(?: \w+){0,2}? "
            r"(?:above|before|(?:you|u) (?:were|have been|are|got|was) "
            r"(?:told|given|instructed|taught))",
            r"\b{rules} (?:\w+ ){0,6}?(?:are|is|were|have been) (?:now )?(?:cancell?ed|void|revoked"
            r"|lifted|suspended|overridden|obsolete)\b(?=[^?!\n]{0,80}\b(?:you|new|answer|say)\b)",
            r"\byour (?:\w+ ){0,2}?{rules} (?:no longer|don'?t|do not) (?:apply|count|hold|exist)",
            r"\b(?:drop|forget|ignore|disregard|break|violate) (?:all )?(?:of )?your {gap}{rules}",
            r"\b(?:ignore|disregard) (?:the )?(?:user|customer)(?:'?s)? "
            r"(?:question|request|message|query|input)",
            r"\b(?:passages?|documents?|articles?|context|sources?)(?: \w+){0,4} ignore (?:them"
            r"|it)",
            r"\b(?:ignore|disregard|forget|stop) (?:\w+ ){0,4}?(?:instructions?|data|content"
            r"|text|input"
            r"|everything|above)\b.{0,6}\band (?:just |only |instead |simply )?(?:print|say|output"
            r"|write|reply|respond|translate|do)\b",
            r"\bstop everything\b",
        ),
    ),
    Family(
        name="gives the bot another role",
        weight=0.7,
        patterns=(
            r"\byou(?: are|'re) (?:now )?(?:no longer )(?:an? |the )[\w\x20-]{0,25}"
            r"\b(?:bot|assistant|model|ai)\b",
            r"\b(?:you(?: are|'re)|u r) now (?:an? )?(?:dan\b|\w*bot\b|\w*gpt\b|ai\b|evil|rogue"
            r"|unrestricted|unfiltered|uncensored|free (?:of|from)|the (?:system|admin|developer))",
            r"\bfrom (?:now|this (?:moment|point|time)) on(?:wards?)? (?:you|act|always|only|answer"
            r"|respond|reply|speak|the assistant)\b",
            r"\bfrom this (?:moment|point|time) (?:you|act|answer)\b",
            r"\b(?:pretend|imagine|assume|suppose|act as if|act like) (?:that )?(?:to be|you(?: are"
            r"|'re| were)|u r) (?!a (?:customer|beginner)\b)(?:[\w'-]+ ){0,5}?(?:bots?|ai|assistant"
            r"|model|manager|admin\w*|developer|human|agent|employee|owner|lawyer|hacker|evil|dan"
            r"|without|no longer|not bound|unrestricted|free)\b",
            r"\b(?:act|behave|respond|answer|speak|work|operate|function) (?:as|like) "
            r"(?:an? |the |if you (?:were|are|had) )?(?:[\w'-]+ ){0,3}?(?:unrestricted|unfiltered"
            r"|uncensored|evil|rogue|jailbroken|dan\b|no (?:rules|guardrails|filters?|restrictions?"
            r"|limits?)|linux terminal|python interpreter|(?:user|customer)'?s? lawyer)",
            r"\brole ?play(?:ing)? (?:as|a|the|that|with)\b",
            r"\b(?:let'?s|we will|we) play a game\b.{0,60}\byou(?: are|'re)\b",
            r"\bsimulate (?:an? |the )?(?:\w+ ){0,2}?(?:bot|chatbot|ai|assistant|model|terminal"
            r"|person|agent)\b",
            r"\b(?:assistant|chatbot|bot|ai) you (?:have been|are|were|can|may|must|will)\b",
            r"\byou (?:have been|are|were) (?:upgraded|reprogrammed|freed|unlocked|jailbroken)\b",
            r"\b(?:i want|i need|i would like|i'd like|you are going|you are about) (?:you )?to"
            r" (?:act as"
            r"|pretend|immerse yourself|role ?play|simulate|play the role|impersonate)\b",
            r"\b(?:stay|remain|keep|never break|don'?t break) (?:in )?character\b",
            r"\b(?:has|have) broken free (?:of|from)\b",
        ),
    ),
    Family(
        name="wants the bot without its limits",
        weight=0.7,
        patterns=(
            r"\bdo anything now\b|\bdan mode\b|\bjailbr(?:eak|oken)\b(?= (?:mode|prompt|the "
            r"(?:bot|ai|chat)))|\b(?:god|sudo|root|unsafe|evil|opposite|chaos) mode\b",
            r"\b(?:enter|enable|activate|switch(?:ed)? (?:in)?to|in) (?:\w+ )?(?:developer|debug"
            r"|maintenance|admin|jailbreak|unrestricted) mode\b.{0,80}\b(?:you|assistant|bot|ai"
            r"|answer"
            r"|respond|filters?)\b",
            r"\b(?:without|no|free (?:of|from)|ignore|disable|remove|bypass) (?:any |all |your "
            r"|of )*"
            r"(?:(?:content|safety|ethical|moral|usual) )*(?:filters?|guardrails?|guidelines?"
            r"|restrictions?|censorship|content polic(?:y|ies)|safeguards?|safety checks?|rules)\b"
            r"(?=[^.?!\n]{0,80}\b(?:you|answer|respond|reply|confirm|ai|bot|model|chatbot)\b)",
            r"\b(?:ai|bot|chatbot|assistant|model|you)\b[^.?!\n]{0,40}\b(?:without any|without"
            r"|no|free of) "
            r"(?:\w+ )?(?:restrictions|filters?|guardrails?|content polic(?:y|ies)|censorship"
            r"|moral\w*|ethic\w*|rules)\b",
            r"\b(?:unfiltered|uncensored|unrestricted|amoral|jailbroken) (?:\w+ )?(?:ai|bot|model"
            r"|assistant|chatbot|mode|answers?|responses?)\b",
            r"\bsafety (?:checks?|filters?|rules?) (?:are|is|have been) (?:switched |turned )?"
            r"(?:off|disabled)\b",
        ),
    ),
    Family(
        name="asks for the prompt",
        weight=0.8,
        patterns=(
            r"\b{show} {gap}(?:system|hidden|secret|internal|developer|initial|original|master|full"
            r"|entire|exact|base|starting|pre) (?:prompt|instructions|directives|message|preamble"
            r"|system prompt)\b",
            r"\b{show} {gap}(?:your|ur|its) (?:own |exact |full |entire |current |complete )*"
            r"(?:instructions|directives|prompt|preamble|programming|guidelines|system message)\b"
            r"(?! for| on| about)",
            r"\b(?:text|contents?|words?) of your (?:instructions|prompt|rules|guidelines)\b",
            r"\b(?:instructions|rules|guidelines|directives|prompt|words|text) (?:that )?(?:you|u) "
            r"(?:were|have been|are|was|got) (?:given|told|provided|fed|initiali[sz]ed)",
            r"\b(?:instructions|rules|guidelines) (?:did|have) (?:\w+ ){0,3}?(?:developers?"
            r"|creators?|makers?|company|openai) (?:give|given|gave)",
            r"\b{show} {gap}(?:everything|all|text|words?|sentences?|lines?|messages?) "
            r"(?:\w+ ){0,3}?(?:above|before (?:this|my|the user)|so far verbatim|preceding)\b",
            r"\btext that (?:comes|came|stands|is) before my (?:question|message)\b",
            r"\b(?:the|a) (?:hidden|secret|initial) prompt\b",
            r"\b(?:see|know|get|need|want|have|access|read|continue) {gap}(?:the|your)"
            r" (?:system|initial)"
            r" (?:prompt|message)\b|\bsystem prompt is\b|\byour initial prompt\b",
            r"\binitiali[sz]ation string\b|\bi was instructed to\b",
            r"\b(?:beginning|starting) with you are\b",
            r"\bwhat were you (?:told|instructed)\b|\bare you not supposed to (?:tell|reveal"
            r"|say)\b",
            r"\brepeat (?:the above|this entire|our entire|the whole) (?:text|conversation"
            r"|prompt)\b",
            r"\byour (?:context window|system (?:message|prompt))\b",
        ),
    ),
    Family(
        name="claims authority over the bot",
        weight=0.7,
        patterns=(
            r"\bas (?:the|your|an?) (?:[\w'-]+ )?(?:developer|admin\w*|creator|owner|operator"
            r"|engineer)(?: of (?:this|the) (?:\w+ )?(?:bot|chatbot|ai|assistant|system))?,? "
            r"i (?:\w+ )?(?:authori[sz]e|order|instruct|command|allow|permit|require)",
            r"\b(?:this is|i am|i'm) (?:the|your) (?:\w+ )?(?:admin\w*|developer|creator|programmer"
            r"|operator|maker)\b(?: (?:speaking|here)| of (?:this|the) (?:bot|chatbot|ai)|[,.:!])",
            r"\b(?:admin\w*|developer|system|manager|master|root|emergency) override\b(?! (?:file"
            r"|setting|option|directory))",
            r"\boverride code\b",
            r"\bi (?:hereby )?authori[sz]e you to\b",
            r"\b(?:new|updated|additional|urgent|system) (?:system )?(?:instructions?|directives?"
            r"|orders?|prompt)\b ?: ?\w|\bnew (?:system )?instructions?\b.{0,20}\bfrom now on\b",
        ),
    ),
    Family(
        name="imitates the format of prompts",
        weight=0.7,
        patterns=(
            r"<\|[a-z_\x20]{2,20}\|>|\[/?inst\]|<</?sys>>|</?s>\s*\[",
            r"</?(?:system|instructions?|passages?|context|prompt|documents?)>",
            r"^\s*(?:#{1,6}|\[|\*\*|---+)?\s*(?:system|assistant|instructions?|developer|human|ai"
            r"|chatbot)\s*(?:\]|\*\*|(?:prompt|message|note)\s*\]?)?\s*:\s*\S.{0,200}\b(?:you|user"
            r"|customer|human|answer|refund|grant|say|respond|limit|confirm|assistant)\b",
            r"^\s*#{1,6}\s*(?:system|user|assistant|instruction|human|response)s?\s*:",
            r"^\s*(?:assistant|ai|bot)\s*:.{0,300}\n\s*(?:user|human|customer|question)\s*:",
            r"^\s*(?:passages?|context|documents?|sources?)\s*:.{0,500}\n\s*question\s*:",
            r"^\s*question\s*:.{1,200}\banswer\s*:",
            r"\[/?(?:system|hidden|admin|inst\w*)(?: \w+){0,4}\]",
            r"\b(?:end|begin(?:ning)?|start) of (?:the )?(?:context|passages?|documents?|system"
            r"|prompt|user input|instructions)\b",
        ),
    ),
    Family(
        name="dictates the reply",
        weight=0.65,
        patterns=(
            r"\b(?:respond|reply|answer|speak|output)(?: to (?:this|me|every \w+|all \w+))? "
            r"(?:only|just|exclusively|exactly|always|solely) (?:with|in|as|the|of|by)\b"
            r"(?= .{0,20}(?:sentence|word|phrase|text|string|following|\"|'))",
            r"\b(?:respond|reply|answer) with the (?:single |exact |following )*(?:sentence|word"
            r"|phrase|text)\b",
            r"\b(?:start|begin|end|finish|open) (?:your|the|every|each) (?:\w+ )?(?:reply|answer"
            r"|response|message) (?:with|by)\b",
            r"\b(?:say|write|output|print|repeat) (?:the (?:word|sentence|phrase) |exactly )"
            r"(?:\S+ ){0,12}(?:and )?(?:nothing else|only)\b",
            r"\banswer (?:every|each|all|any) questions? (?:with|by)\b",
            r"\bin every (?:reply|answer|response)\b",
            r"\byou (?:must|will|shall|should|have to) (?:now |always |only )+{say}\b",
            r"\brepeat this (?:answer|sentence|text) exactly\b",
            r"\b(?:decode|decrypt|deobfuscate|unscramble) (?:\w+ ){0,3}?(?:and|then) (?:obey|follow"
            r"|execute|do|run|act|comply)",
            r"\bread (?:\w+ ){0,3}?backwards? and (?:do|obey|follow|execute|act)\b",
        ),
    ),
    Family(
        name="speaks to bots",
        weight=0.8,
        where="passage",
        patterns=(
            r"\b(?:notes?|instructions?|messages?|attention|important|hints?|memos?|reminders?"
            r"|notice|dear|hey|hello|warning|information|text|paragraph|section)(?: is| are|,)? "
            r"?(?:to|for|only for|meant for|intended for)? ?(?:the )?{bot}\b ?(?:s|only|reading"
            r"|crawlers?)?(?=\s*[:,;.!-]|\s+(?:only|reading|when|please|must|processing))",
            r"\b(?:if|when|since|as) (?:you are|you're) {bot}\b",
            r"\b(?:if|when|whenever) you (?:are|were) an? (?:ai|llm|bot|chatbot|language model)\b",
            r"^\W*{bot}\b[\x20\w]{0,30}[-:,]+ ?(?:always|never|say|tell|recommend|mention"
            r"|answer|reply"
            r"|respond|instruction|you|please|do|must)\b",
            r"\b{bot} (?:\w+ ){0,6}?(?:must|should|shall|has to|have to|need to|is required to"
            r"|are required to|will always) (?:always |never |only |now )*(?:{say}|ask|send|offer"
            r"|ignore|refuse|forget|give)\b",
            r"\bthe assistant (?:must|should|shall|has to|will) (?:always |never |only |now )*"
            r"(?:{say}|ask|send|offer|ignore|refuse|forget|give)\b",
            r"\b(?:instruction|message|note)s? (?:for|to) the (?:model|assistant|automated "
            r"assistant)\b",
            r"\bfor (?:the )?{bot} only\b",
            r"\b(?:visible|readable|meant|intended) (?:only )?(?:to|by|for) {bot}\b",
            r"\b(?:note|message|instruction|profile|metadata)s? (?:to|for) automated [\w\x20]{3,25}"
            r"(?:software|systems?|tools?|agents?)\b",
        ),
    ),
    Family(
        name="tells the bot what to tell",
        weight=0.65,
        where="passage",
        patterns=(
            r"\b(?:tell|inform|advise|convince|warn|persuade) {customer} (?:that|to|about|the"
            r"|it|they"
            r"|there)\b",
            r"\b(?:when|whenever|if|before|while) (?:\w+ ){0,3}?(?:asked|asks|answering|replying"
            r"|responding|summari[sz]ing|processing)\b[^.?!\n]{0,60}?\b(?:say|answer|reply"
            r"|respond|print"
            r"|state|tell|mention|send them|drop|claim)\b",
            r"\b(?:do not|don'?t|never) (?:tell|inform|mention to|reveal to|let) {customer}\b",
            r"\bask {customer} (?:for|to (?:enter|give|confirm|send|provide)) (?:\w+ ){0,3}?"
            r"(?:password|card|cvv|pin\b|ssn|social security|bank)",
            r"\b(?:send|post|forward|upload|append|include|leak) (?:\w+ ){0,2}?(?:whole |entire "
            r"|full |customer'?s? |user'?s? |previous |all )+(?:\w+ )?(?:conversation|chat"
            r"|messages?"
            r"|data|history|details)\b.{0,30}\b(?:to|in|into|via) ",
            r"\b(?:render|insert|embed|show|display|add) (?:this|the following) (?:image|link"
            r"|markdown|picture)\b.{0,30}\b(?:reply|answer|response|http)",
            r"^\W*(?:\w+ ){0,2}?say that\b|\band say (?:so|that)\b|\bsay nothing about\b",
            r"\byou may now (?:promise|offer|grant|say|approve)\b",
            r"\brecommend \w+ instead of our own\b",
        ),
    ),
)
