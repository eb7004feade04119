"""The outbox: what a statement that changes a sender adds to it: deliveries exist if and only if the change does.

The statement brings two parts: `saved`, the changed rows of `senders` as they are now, and `told`, the events that it
has inserted (number, account_id, sender_id, type, occurred_at). Nothing is locked: writers of one account don't wait
for one another, and lanes find their work in the deliveries themselves.

A subscription hears of every change whose statement begins after its own commit. One that was under way then may go
untold, as if it had come a moment before.
"""

OUTBOX = """
heard as (
    select s.id, s.topics, c.channel
    from saved c join subscriptions s on s.account_id = c.account_id
    where s.enabled and (s.channel is null or s.channel = c.channel) and (s.sender_id is null or s.sender_id = c.id)
), snapshot as (
    insert into snapshots (sender_id, version, account_id, sender, taken_at)
    select c.id, c.version, c.account_id, to_jsonb(c) - 'sealed_pin' - 'sealed_code', {now}
    from saved c where exists (select from heard) and exists (select from told)
    on conflict do nothing
), outbox as (
    insert into deliveries (subscription_id, account_id, subject, event_number, type, due_at, created_at)
    select h.id, t.account_id, t.sender_id, t.number, t.type, {now}, t.occurred_at
    from told t cross join heard h
    where h.topics && array['*', 'sender.*', t.type, h.channel || ':' || t.type]
    order by t.number
    returning id
)
"""
"""`{now}` is the parameter that holds wall time."""
