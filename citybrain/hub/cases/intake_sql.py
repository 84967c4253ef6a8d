"""The one statement of an intake: case, history row, clock, contact, photos, ledger row and notice together.

Every parameter is cast, so that the server binds each to one type however often it is used.
"""

SQL = """
WITH c AS (
  INSERT INTO cases_case (number, query_code, submission_key, external_ref, version, state, is_open, source,
    item_id, urgent, description, address, lon, lat, cell, city_id, district_id, street_id, community_id,
    grid_id, reporter_id, suggested_agency_id, reported_at, changed_at, step, due_at, remind_at, escalation,
    return_count, rework_count, urge_count, report_count, supervised, extra)
  VALUES (%(prefix)s::text || lpad((nextval('cases_number') %% 10000000)::text, 7, '0'), %(code)s::text,
    %(key)s::uuid, %(ref)s::text, 1, %(state)s::smallint, true, %(source)s::text, %(item)s::bigint,
    %(urgent)s::bool, %(description)s::text, %(address)s::text, %(lon)s::float8, %(lat)s::float8,
    %(cell)s::bigint, %(city)s::bigint, %(district)s::bigint, %(street)s::bigint, %(community)s::bigint,
    %(grid)s::bigint, %(reporter)s::bigint, %(suggested)s::bigint, %(at)s::timestamptz, %(at)s::timestamptz, 1,
    %(due)s::timestamptz, %(remind)s::timestamptz, 0, 0, 0, 0, 1, false, %(extra)s::jsonb)
  ON CONFLICT DO NOTHING RETURNING id, number, query_code
), e AS (
  INSERT INTO cases_caseevent (case_id, seq, action, from_state, to_state, at, actor_id, actor_name,
    actor_role, actor_agency_id, on_behalf_of_id, reason, data)
  SELECT id, 1, 'report', NULL::smallint, %(state)s::smallint, %(at)s::timestamptz, %(actor)s::bigint,
    %(actor_name)s::text, %(actor_role)s::text,
    %(actor_agency)s::bigint, NULL::bigint, '', %(data)s::jsonb FROM c
), k AS (
  INSERT INTO cases_caseclock (case_id, step, started_at, limit_minutes, working, due_at, pauses,
    extensions, rule)
  SELECT id, 1, %(at)s::timestamptz, %(minutes)s::int, %(working)s::bool, %(due)s::timestamptz, '[]'::jsonb,
    '[]'::jsonb, %(rule)s::text FROM c
), t AS (
  INSERT INTO cases_casecontact (case_id, name, phone, shared)
  SELECT id, %(contact_name)s::text, %(contact_phone)s::text, %(contact_shared)s::bool FROM c
  WHERE %(contact_name)s::text <> '' OR %(contact_phone)s::text <> ''
), p AS (
  UPDATE cases_casephoto SET case_id = c.id FROM c
  WHERE token = ANY(%(photos)s::uuid[]) AND cases_casephoto.case_id IS NULL
), l AS (
  INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body)
  SELECT %(at)s::timestamptz, %(actor_key)s::text, '', 'cases.report', 'case:' || id, %(body)s::text FROM c
), o AS (
  INSERT INTO cases_outbox (topic) SELECT 'case:' || id FROM c
)
SELECT id, number, query_code FROM c
"""

AGAIN = """
SELECT id, number, query_code FROM cases_case
WHERE submission_key = %s::uuid OR external_ref = %s::text ORDER BY id LIMIT 1
"""
