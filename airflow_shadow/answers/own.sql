-- The user's own numbers of each pair, in each minute. DuckDB and Spark run this text as it stands.
-- From tables `grouped` and `own_`n`` (id, side, name, number), which holds nothing twice.
-- Filled in: `n` the output's number, `first` and `end`.
SELECT at_minute, name, COUNT(*) AS n, SUM(p) AS production, SUM(s) AS shadow,
       SUM(s - p) AS difference, SUM((s - p) * (s - p)) AS difference_squared
FROM (SELECT CAST(FLOOR(g.p_at / 60000) AS BIGINT) AS at_minute, g.how, g.join_key, g.slot, o.name,
             MIN(CASE WHEN o.side = 'production' THEN o.number END) AS p,
             MIN(CASE WHEN o.side = 'shadow' THEN o.number END) AS s
      FROM grouped AS g
      JOIN own_{n} AS o ON o.id = CASE WHEN g.inference_id IS NULL THEN g.event_id
                                       ELSE g.inference_id END
      WHERE g.state = 'lone' AND g.p_n = 1 AND g.s_n = 1
        AND g.p_at >= {first} AND g.p_at < {end}
      GROUP BY g.how, g.join_key, g.slot, g.p_at, o.name) AS paired
WHERE p IS NOT NULL AND s IS NOT NULL
GROUP BY at_minute, name
ORDER BY at_minute, name
