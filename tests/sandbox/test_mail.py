"""The mail server through smtplib."""

import smtplib
import socket
from email.message import EmailMessage

import pytest


def letter(recipient, subject="你好"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "hello@brand.example", recipient, subject
    message["List-Unsubscribe"] = "<http://127.0.0.1/u/x>"
    message.set_content("text")
    message.add_alternative("<p>你好</p>", subtype="html")
    return message


def test_mail_is_kept_as_it_came(sandbox):
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        smtp.ehlo()
        assert {"pipelining", "8bitmime", "size", "smtputf8", "enhancedstatuscodes"} <= set(smtp.esmtp_features)
        smtp.login("any", "thing")
        for number in range(3):
            smtp.send_message(letter("Zhiwei.Xu@mail.example", f"第 {number} 封"))
    mails = sandbox.mails("zhiwei.xu@mail.example")
    assert [m["subject"] for m in mails] == ["第 0 封", "第 1 封", "第 2 封"]
    raw = sandbox.raw_mail(mails[0]["id"])
    assert b"List-Unsubscribe: <http://127.0.0.1/u/x>" in raw


def test_addresses_choose_their_fate(sandbox):
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        for address, code in (("bounce@a.example", 550), ("later+x@a.example", 451), ("full@a.example", 452)):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                smtp.send_message(letter(address))
            assert caught.value.recipients[address][0] == code
        smtp.send_message(letter("fine@a.example"))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("any", "wrong")
    assert [m["code"] for m in sandbox.get("/record/refused_mails.json")["refused_mails"]] == [550, 451, 452]
    assert len(sandbox.mails("fine@a.example")) == 1


def test_fault_switches(sandbox):
    sandbox.post("/setup/faults", {"mail_later": 1, "mail_drop": 1})
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.send_message(letter("a@a.example"))
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            smtp.send_message(letter("a@a.example"))
    assert len(sandbox.mails("a@a.example")) == 1


def test_commands_may_be_pipelined(sandbox):
    with socket.create_connection(("127.0.0.1", sandbox.smtp_port), 10) as line:
        file = line.makefile("rwb")
        file.readline()
        file.write(
            b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<bounce@d.example>\r\nDATA\r\n"
        )
        file.flush()
        assert [file.readline()[:3] for _ in range(5)] == [b"250", b"250", b"250", b"550", b"354"]
        file.write(b"Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        file.flush()
        assert [file.readline()[:3] for _ in range(2)] == [b"250", b"221"]
    assert sandbox.raw_mail(sandbox.mails("c@d.example")[0]["id"]).endswith(b"\r\n\r\n.dot\r\n")


def test_acknowledged_mail_and_messages_survive_kill_9(make_sandbox):
    sandbox = make_sandbox()
    sandbox.connect()
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        for number in range(20):
            smtp.send_message(letter("a@a.example", str(number)))
        sandbox.kill()
    sandbox.start()
    assert [m["subject"] for m in sandbox.mails("a@a.example")] == [str(number) for number in range(20)]
