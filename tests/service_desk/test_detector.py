"""The complaint detector: measured, taught, and the same each time."""

import pytest
from django.core.management import call_command

from scrm.lib import clock
from service_desk import complaints, detector
from service_desk.complaint_examples import CORPUS
from service_desk.enums import Speech
from service_desk.models import Correction, DetectorVersion


@pytest.fixture(scope="module")
def model():
    return complaints.train(CORPUS)


def test_the_seed_is_balanced_and_has_no_sentence_twice():
    texts = [complaints.fold(text) for text, _label in CORPUS]
    assert len(texts) == len(set(texts)) > 400
    numbers = [sum(label == speech for _t, label in CORPUS) for speech in Speech.values]
    assert max(numbers) < 1.25 * min(numbers)


def test_accuracy_on_sentences_it_has_not_seen():
    report = complaints.measure()
    assert report["accuracy"] >= 0.8 and report["recall"] >= 0.85, report


@pytest.mark.parametrize(
    "text, label",
    [
        ("鞋底整个掉了，才穿了一个星期！", Speech.COMPLAINT),
        ("开胶了，能换一双吗", Speech.COMPLAINT),
        ("我要投诉，再不退款就打12315", Speech.COMPLAINT),
        ("The sole came off!", Speech.COMPLAINT),
        ("不会开胶吧？", Speech.QUESTION),
        ("请问退货运费谁出？", Speech.QUESTION),
        ("徒步鞋有41码吗", Speech.QUESTION),
        ("你们家鞋穿着真舒服", Speech.PRAISE),
        ("谢谢，解决了", Speech.NOISE),
        ("[哈哈][哈哈]", Speech.NOISE),
        ("", Speech.NOISE),
    ],
)
def test_what_it_says(model, text, label):
    assert model.judge(text).label == label


def test_a_word_that_is_denied_is_no_reason():
    assert complaints.keywords("没有开胶，质量很好") == ()
    assert complaints.keywords("开胶了，质量差") == ("开胶", "质量差")


@pytest.mark.parametrize("text", ["谢谢", "好的，谢谢！", "收到了，谢谢你们", "ok thanks", "[抱拳]", "辛苦了～"])
def test_mere_thanks(text):
    assert complaints.is_thanks(text)


@pytest.mark.parametrize("text", ["谢谢，但是还是坏的", "什么时候好", "不用谢我要退款", "thanks but it broke"])
def test_more_than_thanks(text):
    assert not complaints.is_thanks(text)


def test_numbers_survive_being_stored(model):
    again = complaints.Model.load(model.dump())
    for text, _label in CORPUS[::17]:
        assert again.judge(text).label == model.judge(text).label


def test_a_correction_weighs_on_similar_words(model):
    text, alike = "这鞋绝了，穿一天直接起飞", "这鞋绝了，穿两天直接起飞"
    before = model.judge(alike).complaint
    taught = complaints.train(CORPUS, [(text, Speech.COMPLAINT.value)])
    assert taught.judge(text).label == Speech.COMPLAINT and taught.judge(text).taught
    assert taught.judge(alike).complaint > max(before, 0.5)


@pytest.mark.django_db
def test_learning_stores_a_version_and_changes_what_is_said(agent):
    text = "鞋底断成两截，笑死我了，我家狗咬的"
    assert detector.judge(text).label == Speech.COMPLAINT
    assert detector.learn() and not detector.learn(), "the seed is stored once"
    Correction.objects.create(text=text, label=Speech.NOISE, said=Speech.COMPLAINT, by=agent, at=clock.real_now())
    assert detector.lag()["waiting"] == 1
    assert detector.learn()
    assert detector.judge(text).label == Speech.NOISE
    newest = DetectorVersion.objects.latest("id")
    assert newest.report["corrections"] == 1 and newest.report["accuracy"] > 0.8
    assert not detector.is_behind()


def test_the_command_prints_what_it_measured(capsys):
    call_command("complaints")
    said = capsys.readouterr().out
    assert "accuracy" in said and "recall" in said
