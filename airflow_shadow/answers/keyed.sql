-- How each captured record is joined. DuckDB and Spark run this text as it stands.
-- From a view `capture`, which an engine's reader makes:
--   side ('production' | 'shadow'), inference_id, event_id, input_key, at_ms, answer_0, answer_1, ...
-- Filled in: `ids` and `events`, whether those ids are on both sides, `near` in milliseconds, the
-- columns of `answers`, and `ids_of`, those of ids that are looked up later.
WITH record AS (  -- a record that was delivered twice is one; without an eventId none can be told
  SELECT side, inference_id, event_id, input_key, at_ms, {answers}
         CASE WHEN event_id IS NULL THEN COUNT(*) ELSE 1 END AS weight, COUNT(*) AS copies
  FROM capture
  WHERE at_ms IS NOT NULL
  GROUP BY {answers} side, inference_id, event_id, input_key, at_ms
),
sorted AS (
  SELECT side, {ids_of}at_ms, {answers} weight, copies,
         CASE WHEN {ids} AND inference_id IS NOT NULL THEN 'id'
              WHEN {events} AND event_id IS NOT NULL THEN 'event'
              WHEN input_key IS NOT NULL THEN 'input'
              ELSE 'none' END AS how,
         CASE WHEN {ids} AND inference_id IS NOT NULL THEN inference_id
              WHEN {events} AND event_id IS NOT NULL THEN event_id
              ELSE CAST(input_key AS STRING) END AS join_key
  FROM record
),
near AS (  -- how many records of each side have this input at about this time
  SELECT side, {ids_of}at_ms, {answers} weight, copies, how, join_key,
         SUM(CASE WHEN side = 'production' THEN weight ELSE 0 END) OVER around AS p_near,
         SUM(CASE WHEN side = 'shadow' THEN weight ELSE 0 END) OVER around AS s_near,
         MIN(CASE WHEN side = 'production' THEN at_ms END) OVER around AS first_at
  FROM sorted
  WHERE how = 'input'
  WINDOW around AS (PARTITION BY join_key ORDER BY at_ms
                    RANGE BETWEEN {near} PRECEDING AND {near} FOLLOWING)
)
SELECT side, {ids_of}at_ms, {answers} weight, copies, how, join_key,
       CASE WHEN how = 'none' THEN at_ms ELSE 0 END AS slot,
       CASE WHEN how = 'none' THEN 'only' ELSE 'lone' END AS state,
       0 AS again
FROM sorted
WHERE how <> 'input'
UNION ALL
SELECT side, {ids_of}at_ms, {answers} weight, copies, how, join_key,
       CASE WHEN p_near = 1 AND s_near = 1 THEN first_at ELSE at_ms END AS slot,
       CASE WHEN p_near = 1 AND s_near = 1 THEN 'lone'
            WHEN p_near = 0 OR s_near = 0 THEN 'only'
            ELSE 'crowd' END AS state,
       CASE WHEN (side = 'production' AND p_near > 1) OR (side = 'shadow' AND s_near > 1)
            THEN 1 ELSE 0 END AS again
FROM near
