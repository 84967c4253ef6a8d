"""The one statement of an intake: ticket, history row, clock, contact, ledger row and notice together.

Every parameter is cast, so that the server binds each to one type however often it is used. The number is made
from the row's own id, so it needs no sequence of its own.
"""

SQL = """
WITH n AS MATERIALIZED (
  SELECT nextval(pg_get_serial_sequence('hotline_ticket', 'id')) AS id
), m AS MATERIALIZED (
  SELECT id, %(prefix)s::text || lpad((id %% 1000000)::text, 6, '0') AS number FROM n
), t AS (
  INSERT INTO hotline_ticket (id, number, query_code, submission_key, external_ref, version, state, is_open,
    channel, kind, urgency, rank, sentiment, class_label, item_code, is_complex, title, text, plain, words,
    place_text, lon, lat, city_id, district_id, street_id, community_id, grid_id, reporter_id, created_by_id,
    caller_id, caller_shared, is_secret, contact_needed, co_agencies, outside, case_seq, dispatches, designated,
    return_count, redo_count, extension_count, urge_count, call_count, received_at, changed_at, reply, is_valid,
    step, due_at, remind_at, escalation, needs_person, person_reason, read_tries, flags, extra)
  SELECT m.id, m.number, %(code)s::text, %(key)s::uuid, %(ref)s::text, 1, %(state)s::smallint, true,
    %(channel)s::text, %(kind)s::text, %(urgency)s::text, %(rank)s::smallint, '', '', %(item)s::text, false,
    %(title)s::text, %(text)s::text, %(plain)s::text,
    cases_bigrams(m.number || ' ' || %(title)s::text || ' ' || %(place)s::text || ' ' || %(plain)s::text),
    %(place)s::text, %(lon)s::float8, %(lat)s::float8, %(city)s::bigint, %(district)s::bigint,
    %(street)s::bigint, %(community)s::bigint, %(grid)s::bigint, %(reporter)s::bigint, %(created_by)s::bigint,
    %(caller)s::bigint, %(shared)s::bool, %(secret)s::bool, false, '{}'::bigint[], '', 0, 0, false,
    0, 0, 0, 0, 0, %(received)s::timestamptz, %(at)s::timestamptz, '', true,
    1, %(due)s::timestamptz, %(remind)s::timestamptz, 0, %(needs_person)s::bool, %(person_reason)s::text, 0,
    %(flags)s::text[], %(extra)s::jsonb
  FROM m
  ON CONFLICT DO NOTHING RETURNING id, number, query_code
), e AS (
  INSERT INTO hotline_ticketevent (ticket_id, seq, action, from_state, to_state, at, actor_id, actor_name,
    actor_role, actor_agency_id, on_behalf_of_id, reason, data)
  SELECT id, 1, 'receive', NULL::smallint, %(state)s::smallint, %(at)s::timestamptz, %(actor)s::bigint,
    %(actor_name)s::text, %(actor_role)s::text, %(actor_agency)s::bigint, NULL::bigint, '', %(data)s::jsonb
  FROM t
), k AS (
  INSERT INTO hotline_ticketclock (ticket_id, step, started_at, limit_minutes, working, due_at, pauses,
    extensions, rule)
  SELECT id, 1, %(at)s::timestamptz, %(minutes)s::int, %(working)s::bool, %(due)s::timestamptz, '[]'::jsonb,
    '[]'::jsonb, %(rule)s::text FROM t
), c AS (
  INSERT INTO hotline_ticketcontact (ticket_id, name, phone)
  SELECT id, %(contact_name)s::text, %(contact_phone)s::text FROM t
  WHERE %(contact_name)s::text <> '' OR %(contact_phone)s::text <> ''
), l AS (
  INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body)
  SELECT %(at)s::timestamptz, %(actor_key)s::text, '', 'hotline.receive', 'ticket:' || id, %(body)s::text FROM t
), o AS (
  INSERT INTO cases_outbox (topic) SELECT 'ticket:' || id FROM t
)
SELECT id, number, query_code FROM t
"""

AGAIN = """
SELECT id, number, query_code FROM hotline_ticket
WHERE submission_key = %s::uuid OR (channel = %s::text AND external_ref = %s::text) ORDER BY id LIMIT 1
"""
