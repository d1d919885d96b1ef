"""What the phone's Weibo shows of the newest post."""

import sqlite3
from datetime import datetime
from typing import Any

from django.utils import timezone

from scrm.lib import clock
from scrm.sandbox import store
from scrm.sandbox.weibo import people

MOST = 40


def shown(who: sqlite3.Row) -> dict[str, Any]:
    """Company, post, comments (oldest first) and private messages; empty without a connected account."""
    company = people.account()
    if company is None:
        return {}
    post = store.row("select * from weibo_post where uid = ? order by id desc limit 1", company["uid"])
    if post is None:
        return {}
    me = store.row("select * from weibo_user where openid = ?", who["openid"])
    uid = me["uid"] if me else ""
    sql = (
        "select c.*, u.name from weibo_comment c left join weibo_user u on u.uid = c.uid"
        " where c.post_id = ? order by c.id desc limit ?"
    )
    rows = store.rows(sql, post["id"], MOST)
    comments = [
        {
            "id": row["id"],
            "name": company["name"] if row["uid"] == company["uid"] else f"@{row['name']}",
            "ours": row["uid"] == company["uid"],
            "mine": row["uid"] == uid,
            "text": row["text"],
            "when": _when(row["at"]),
        }
        for row in reversed(rows)
    ]
    messages = store.rows("select * from weibo_message where uid = ? order by id desc limit ?", uid, MOST)
    return {
        "company": company,
        "post": {"text": post["text"], "when": _when(post["at"])},
        "me": {"name": me["name"] if me else f"{who['given'] or who['name']}的微博", "bound": bool(me and me["bound"])},
        "comments": comments,
        "messages": list(reversed(messages)),
    }


def _when(moment: float) -> str:
    return f"{timezone.localtime(datetime.fromtimestamp(moment, clock.now().tzinfo)):%m-%d %H:%M}"
