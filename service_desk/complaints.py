"""Is it a complaint? Character 1-3-grams weighted by TF-IDF, softmax regression over four classes, and rules for words
that a complaint rarely does without.

Pure: text in, label out; the trained numbers are a plain dictionary. A few hundred sentences train in about a second, one
sentence is judged in well under a millisecond, so there is no need for a numeric package.
"""

import math
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service_desk.complaint_examples import CORPUS
from service_desk.enums import Speech

LABELS = [speech.value for speech in Speech]
THRESHOLD = 0.5
"""A complaint opens a ticket from this probability on."""
CORRECTION_WEIGHT = 4
"""How many sentences of the seed one correction by an agent outweighs."""
HELD_OUT = 5
"""Every fifth sentence is kept from the training when the accuracy is measured."""

_KEYWORDS = re.compile(
    r"投诉|12315|12345|退款|退货|赔偿|怎么赔|骗|坑人|太坑|假货|忽悠|欺诈|虚假|曝光|差评|垃圾|开胶|脱胶|掉底|断底|开线|开裂|漏水|"
    r"质量(?:太|很|真|这么|越来越)?差|态度(?:太|很|真)?差|太差|失望|没人(?:理|管|回|接)|不给退|不理|"
    r"refund|scam|fake|broken|broke|terrible|awful|worst|unacceptable|disappointed|damaged|came off"
)
_NEGATED = re.compile(
    r"(?:没有?|不会|不|从来没有|从未|未|无)(?:再|出现|过|一点)?(?:投诉|退款|退货|骗|坑|开胶|脱胶|掉底|断底|开线|开裂|漏水|失望)"
)
_ASKS = re.compile(
    r"[吗呢么吧]?[?？]\s*$|[吗么]\s*$|^(?:请问|想问|怎么|如何|how|what|where|when|do you|can i|is it|will)"
)
_THANKS = re.compile(
    r"^(?:非常|太|十分|好的?|嗯+|哦|行|收到了?|知道了|明白了?|解决了|可以了|没事了|没问题了?|搞定了|ok|okay|great|got it|"
    r"多谢|谢谢|感谢|谢了|谢啦|3q|thx|thanks|thank you|辛苦了?|不客气|再见|拜拜|好滴|你们?|您|亲|啦|了|哈|so much|very much|"
    r"a lot|again|bye|[\s,.!~，。！～、…🙏👍😊❤🌹])+$"
)
_GOOD = re.compile(
    r"舒服|喜欢|满意|推荐|不错|好看|好穿|好用|好喝|很香|真香|点赞|赞|棒|完美|值得|太值|划算|贴心|耐心|热情|放心|惊喜|感动|开心|回购|良心|给力|靠谱|"
    r"好评|满分|五星|爱了|真好|很好|超好|超快|很快|一流|舒适|合脚|轻便|耐磨|稳定|支持你们|一如既往|"
    r"love|great|best|happy|perfect|excellent|wonderful|recommend|good|lovely|comfortable|favou?rite"
)
_BAD = re.compile(
    r"坏|破|断|裂|烂|漏|脱落|掉了|掉漆|起皮|起球|磨脚|磨破|异味|刺鼻|臭|霉|过敏|摔|湿|不符|不对|发错|少发|漏发|没收到|没到|没退|没人|"
    r"不回|不管|不能用|用不了|没法|严重|后悔|生气|火大|无语|忍无可忍|麻烦|慢|差|坑|凭什么|怎么回事|还没|才穿|才买|急死|负责|说法|"
    r"leak|wrong|never arrived|ignore|refuse|angry|stopped working|fell off|apart|still no"
)
_HAPPENED = re.compile(r"(?:胶|坏|破|断|裂|掉|漏|湿|霉|塌|散|线|底|皮)了|才[穿买用过]|[天周次月]就|还没|已经")
_FACE = re.compile(r"\[[^\[\]]{1,8}\]")
_SPACE = re.compile(r"\s+")
_HANDLE = re.compile(r"https?://\S+|@[\w\-\u4e00-\u9fff]{1,30}|#[^#]{1,40}#|回复@\S+?[:：]")
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    label: str
    confidence: float
    complaint: float
    """Probability of a complaint."""
    words: tuple[str, ...] = ()
    """The words of the rules that were found: the "why" that pages show."""
    taught: bool = False
    """An agent has said so of these very words."""

    @property
    def is_complaint(self) -> bool:
        return self.label == Speech.COMPLAINT


@dataclass(slots=True)
class Model:
    """Weights per gram, one number per label; ``idf`` is folded in when judging. ``taught`` maps corrected texts to labels."""

    idf: dict[str, float]
    weights: dict[str, list[float]]
    bias: list[float]
    taught: dict[str, str]

    def dump(self) -> dict[str, Any]:
        grams = {gram: [round(self.idf[gram], 3), *(round(w, 4) for w in row)] for gram, row in self.weights.items()}
        return {"grams": grams, "bias": [round(b, 4) for b in self.bias], "taught": self.taught}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Model":
        grams = data["grams"]
        return cls(
            {g: v[0] for g, v in grams.items()}, {g: v[1:] for g, v in grams.items()}, data["bias"], data["taught"]
        )

    def judge(self, text: str) -> Verdict:
        folded = fold(text)
        if not folded:
            return Verdict(Speech.NOISE.value, 1.0, 0.0)
        words = keywords(folded)
        known = self.taught.get(folded)
        if known is not None:
            return Verdict(known, 1.0, float(known == Speech.COMPLAINT), words, taught=True)
        chances = _softmax(self._scores(features(folded)))
        best = max(range(len(LABELS)), key=chances.__getitem__)
        complaint = chances[LABELS.index(Speech.COMPLAINT.value)]
        return Verdict(LABELS[best], round(chances[best], 4), round(complaint, 4), words)

    def _scores(self, counts: Counter[str]) -> list[float]:
        scores = list(self.bias)
        for gram, value in _weighed(counts, self.idf):
            for n, weight in enumerate(self.weights[gram]):
                scores[n] += weight * value
        return scores


def fold(text: str) -> str:
    """What is compared: one width, lower case, without mentions, topics and addresses."""
    text = unicodedata.normalize("NFKC", text[:_MOST_CHARACTERS]).lower()
    return _SPACE.sub(" ", _HANDLE.sub(" ", text)).strip()


def keywords(folded: str) -> tuple[str, ...]:
    """Words of the rules, without those that are said not to be so ("没有开胶")."""
    denied = [match.span() for match in _NEGATED.finditer(folded)]
    found = [
        match.group()
        for match in _KEYWORDS.finditer(folded)
        if not any(start <= match.start() < end for start, end in denied)
    ]
    return tuple(dict.fromkeys(found))


def is_thanks(text: str) -> bool:
    """Nothing but thanks or a farewell: it does not reopen what is solved."""
    folded = _FACE.sub(" ", fold(text)).strip()
    return not folded or (len(folded) <= 40 and bool(_THANKS.match(folded)))


def features(folded: str) -> Counter[str]:
    """Grams of characters, and the rules as features of their own, so that training decides what they weigh."""
    squeezed = folded.replace(" ", "_")
    padded = f"^{squeezed}$"
    counts: Counter[str] = Counter()
    for size in (1, 2, 3):
        counts.update(padded[n : n + size] for n in range(len(padded) - size + 1))
    asks = bool(_ASKS.search(folded))
    if keywords(folded):
        counts["<asked>" if asks else "<keyword>"] += 2
    if _NEGATED.search(folded):
        counts["<negated>"] += 2
    if asks:
        counts["<asks>"] += 2
    for name, pattern in (("<good>", _GOOD), ("<bad>", _BAD), ("<happened>", _HAPPENED)):
        if (number := len(pattern.findall(_NEGATED.sub("", folded)))) > 0:
            counts[name] += 1 + number
    if is_thanks(folded):
        counts["<thanks>"] += 2
    return counts


def train(examples: Iterable[tuple[str, str]], corrections: Iterable[tuple[str, str]] = ()) -> Model:
    """Softmax regression by stochastic gradient, the same result each time. Later corrections of one text win."""
    taught = {fold(text): label for text, label in corrections}
    rows = [(fold(text), label, 1) for text, label in examples if fold(text) not in taught]
    rows += [(text, label, CORRECTION_WEIGHT) for text, label in taught.items()]
    counted = [(features(text), LABELS.index(label), weight) for text, label, weight in rows]
    idf = _idf([counts for counts, _label, _weight in counted])
    samples = [(_weighed(counts, idf), label, weight) for counts, label, weight in counted]
    weights, bias = _descend(samples, idf)
    return Model(idf, weights, bias, taught)


def measure(corpus: Sequence[tuple[str, str]] = CORPUS, folds: int = HELD_OUT) -> dict[str, Any]:
    """Each sentence is judged by a model that has not seen it (cross-validation in ``folds`` parts)."""
    table: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    right = caught = alarms = 0
    for part in range(folds):
        model = train([row for n, row in enumerate(corpus) if n % folds != part])
        for text, label in (row for n, row in enumerate(corpus) if n % folds == part):
            said = model.judge(text).label
            table[label][said] += 1
            right += said == label
            caught += said == label == Speech.COMPLAINT
            alarms += said == Speech.COMPLAINT
    complaints = sum(table[Speech.COMPLAINT].values())
    return {
        "examples": len(corpus),
        "accuracy": round(right / len(corpus), 4),
        "recall": round(caught / complaints, 4) if complaints else None,
        "precision": round(caught / alarms, 4) if alarms else None,
        "table": {label: dict(row) for label, row in table.items()},
    }


def _idf(documents: Sequence[Counter[str]]) -> dict[str, float]:
    """Grams that occur at least twice, rarer ones higher."""
    seen: Counter[str] = Counter()
    for counts in documents:
        seen.update(counts.keys())
    return {gram: 1 + math.log((1 + len(documents)) / (1 + n)) for gram, n in sorted(seen.items()) if n > 1}


def _weighed(counts: Counter[str], idf: dict[str, float]) -> list[tuple[str, float]]:
    values = [(gram, (1 + math.log(n)) * idf[gram]) for gram, n in counts.items() if gram in idf]
    length = math.sqrt(sum(value * value for _gram, value in values)) or 1.0
    return [(gram, value / length) for gram, value in values]


def _descend(
    samples: list[tuple[list[tuple[str, float]], int, int]],
    idf: dict[str, float],
    rounds: int = 30,
    decay: float = 2e-4,
) -> tuple[dict[str, list[float]], list[float]]:
    weights = {gram: [0.0] * len(LABELS) for gram in idf}
    bias = [0.0] * len(LABELS)
    dice = random.Random(7)
    order = list(range(len(samples)))
    for turn in range(rounds):
        dice.shuffle(order)
        step = 2.0 / (1 + 0.15 * turn)
        for n in order:
            values, label, weight = samples[n]
            scores = list(bias)
            for gram, value in values:
                for k, w in enumerate(weights[gram]):
                    scores[k] += w * value
            slopes = [chance - (k == label) for k, chance in enumerate(_softmax(scores))]
            pace = step * min(weight, CORRECTION_WEIGHT)
            for k, slope in enumerate(slopes):
                bias[k] -= 0.1 * step * slope
            for gram, value in values:
                row = weights[gram]
                for k, slope in enumerate(slopes):
                    row[k] -= pace * slope * value + step * decay * row[k]
    return weights, bias


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


RULES = (_KEYWORDS, _NEGATED, _ASKS, _GOOD, _BAD, _HAPPENED)
