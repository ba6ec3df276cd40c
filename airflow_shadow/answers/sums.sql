-- The sums of one output in each minute, over a view `place` (at_minute, p, s, t: texts, empty
-- where broken, t where there is no label). DuckDB and Spark run this text as it stands.
-- Filled in: `p`, `s` and `t`, what the texts mean, and `columns`, which depend on the kind.
SELECT at_minute,
       COUNT(*) AS places,
       COUNT(CASE WHEN p IS NOT NULL AND s IS NOT NULL THEN 1 END) AS compared,
       COUNT(CASE WHEN p IS NULL THEN 1 END) AS production_broken,
       COUNT(CASE WHEN s IS NULL THEN 1 END) AS shadow_broken,
       {columns}
FROM (SELECT at_minute, {p} AS p, {s} AS s,
             CASE WHEN p <> '' AND s <> '' THEN {t} END AS t
      FROM place) AS typed
GROUP BY at_minute
ORDER BY at_minute
