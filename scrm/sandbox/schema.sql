-- The sandbox's record. Times: *_real are real seconds since the epoch, "at" columns are business seconds.

create table if not exists account (
  appid text primary key, secret text not null, token text not null, aes_key text not null default '',
  callback_url text not null default '', name text not null, gh_id text not null, menu text, templates text,
  verified integer not null default 0, verify_note text not null default '', at_real real not null);
create table if not exists shop (
  id integer primary key check (id = 1), write_key text not null, collector_url text not null, name text not null,
  public_url text not null, server_key text not null default '');
create table if not exists token (
  token text primary key, appid text not null, stable integer not null, expires_real real not null);
create table if not exists person (
  openid text primary key, appid text not null, name text not null default '', given text not null default '', city
  text not null default '',
  tone text not null default 't-ai', email text not null default '', played integer not null default 0, chapter text
  not null default 'road',
  subscribed integer not null default 0, subscribed_at real, scene text not null default '',
  message_at real, message_sends integer not null default 0, touch_at real, touch_sends integer not null default 0,
  created_real real not null);
create index if not exists person_of_account on person (appid, openid);
create table if not exists chat (
  id integer primary key autoincrement, appid text not null, openid text not null, outbound integer not null, via
  text not null,
  kind text not null, body text not null, at real not null, at_real real not null);
create index if not exists chat_of_person on chat (openid, id);
create table if not exists callback (
  id integer primary key autoincrement, appid text not null, openid text not null, label text not null, msg_id text
  not null,
  xml text not null, act integer, waits_reply integer not null default 0, state text not null default 'pending',
  attempts integer not null default 0,
  next_real real not null, status integer, note text not null default '', reply text not null default '',
  took_ms integer, at real not null, at_real real not null, done_real real, door text not null default 'oa');
-- door: who carries it ("oa", "weibo", ...); xml: the body, whatever its form.
create index if not exists callback_due on callback (next_real) where state = 'pending';
create index if not exists callback_of_person on callback (openid, id);
create table if not exists act (
  id integer primary key autoincrement, openid text not null, kind text not null, detail text not null default '',
  at real not null, at_real real not null);
create index if not exists act_of_person on act (openid, id);
create table if not exists call (
  id integer primary key autoincrement, path text not null, appid text not null, openid text not null, errcode
  integer not null,
  note text not null default '', at real not null, at_real real not null);
create index if not exists call_of_person on call (openid, id);
create table if not exists mail (
  id integer primary key autoincrement, sender text not null, recipient text not null, subject text not null, raw
  blob not null,
  at real not null, at_real real not null, opened integer not null default 0);
create index if not exists mail_of_recipient on mail (recipient, id);
create table if not exists refused_mail (
  id integer primary key autoincrement, sender text not null, recipient text not null, code integer not null, at
  real not null, at_real real not null);
create table if not exists qr (
  ticket text primary key, appid text not null, scene text not null, label text not null default '', numeric integer
  not null, expires_real real, url text not null, at_real real not null);
create table if not exists media (
  media_id text primary key, appid text not null, kind text not null, name text not null, mime text not null,
  content blob not null, at_real real not null);
create table if not exists shop_view (
  id integer primary key autoincrement, openid text not null, sku text not null, category text not null, day text
  not null, at real not null);
create table if not exists weibo_account (
  uid text primary key, app_secret text not null, access_token text not null, callback_url text not null, name text
  not null, at_real real not null);
create table if not exists weibo_user (
  uid text primary key, openid text not null default '', name text not null, bound integer not null default 0,
  message_at real);
create table if not exists weibo_post (
  id integer primary key, uid text not null, text text not null, at real not null);
create table if not exists weibo_comment (
  id integer primary key, post_id integer not null, uid text not null, reply_to integer, text text not null, at real
  not null, at_real real not null);
create index if not exists weibo_comment_of_post on weibo_comment (post_id, id);
create table if not exists weibo_message (
  id integer primary key, uid text not null, outbound integer not null, text text not null, at real not null, at_real
  real not null);
create index if not exists weibo_message_of_user on weibo_message (uid, id);
create table if not exists setting (name text primary key, value text not null);
create table if not exists shop_hook (
  id integer primary key check (id = 1), url text not null, key text not null);
create table if not exists hook (
  id integer primary key autoincrement, number text not null, type text not null, body text not null, openid
  text not null default '', state text not null default 'pending', attempts integer not null default 0,
  next_real real not null, status integer, note text not null default '', at real not null, at_real real not null,
  done_real real);
create index if not exists hook_due on hook (next_real) where state = 'pending';
create table if not exists shop_stock (sku text primary key, stock integer not null, version integer not null);
create table if not exists cart (
  openid text primary key, number text not null, lines text not null, at real not null);
create table if not exists shop_order (
  id integer primary key autoincrement, number text not null unique, openid text not null, email text not null, cart
  text not null default '', lines text not null, goods real not null, discount real not null, total real not null,
  coupon text not null default '', paid real, shipped real, delivered real, invoiced real, cancelled real,
  refunded real not null default 0, at real not null, at_real real not null);
create index if not exists shop_order_of_person on shop_order (openid, id);
