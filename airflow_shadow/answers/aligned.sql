-- The answers of each pair, place by place of equal length: texts with CHR(31) between the places,
-- empty where a place is broken. DuckDB and Spark run this text as it stands.
-- Answers of other lengths are broken in the shadow; an answer without places is broken in all.
-- Filled in: `pairs` their table, `n` the output's number, `first` and `end`, `label` the label's
-- text and `joins`.
SELECT at_minute,
       CASE WHEN p IS NULL THEN REPEAT(CHR(31), length - 1) ELSE p END AS p,
       CASE WHEN s IS NULL OR s_length <> length THEN REPEAT(CHR(31), length - 1) ELSE s END AS s,
       CASE WHEN t IS NULL OR t_length <> length THEN REPEAT(CHR(31), length - 1) ELSE t END AS t,
       CASE WHEN t_length <> length THEN 1 ELSE 0 END AS other_length,
       CASE WHEN t IS NOT NULL THEN 1 ELSE 0 END AS has_label
FROM (SELECT at_minute, p, s, t, COALESCE(p_length, s_length, 1) AS length, s_length, t_length
      FROM (SELECT at_minute, p, s, t,
                   CASE WHEN INSTR(p, CHR(31)) = 0 THEN 1 WHEN p IS NOT NULL
                        THEN 1 + LENGTH(p) - LENGTH(REPLACE(p, CHR(31), '')) END AS p_length,
                   CASE WHEN INSTR(s, CHR(31)) = 0 THEN 1 WHEN s IS NOT NULL
                        THEN 1 + LENGTH(s) - LENGTH(REPLACE(s, CHR(31), '')) END AS s_length,
                   CASE WHEN INSTR(t, CHR(31)) = 0 THEN 1 WHEN t IS NOT NULL
                        THEN 1 + LENGTH(t) - LENGTH(REPLACE(t, CHR(31), '')) END AS t_length
            FROM (SELECT CAST(FLOOR(g.p_at / 60000) AS BIGINT) AS at_minute,
                         g.p_{n} AS p, g.s_{n} AS s, {label} AS t
                  FROM {pairs} AS g {joins}
                  WHERE g.state = 'lone' AND g.p_n = 1 AND g.s_n = 1
                    AND g.p_at >= {first} AND g.p_at < {end}) AS pair) AS sized) AS measured
