"""The examples in Spark's own documentation of its functions."""

import re

# Their answers depend on the moment, on chance, on files, on the machine, or on an order that Spark does not promise.
LEFT_OUT = re.compile(r"\b(rand|randn|random|uuid|shuffle|now|current_\w+|curdate|localtime|localtimestamp|monotonically_increasing_id|spark_partition_id|input_file\w*|reflect|java_method|try_reflect|version|user|session_user|read_files|from_avro|to_avro|schema_of_avro|from_protobuf|to_protobuf|sql_keywords|collations|python_worker_logs|unix_timestamp\(\)|st_\w+|measure|ai_\w+)\b|\bcollect_set\(|\b(listagg|string_agg)\(DISTINCT")


def expressions(spark, seen):
    """The queries, one each, without those that are asked already."""
    found = []
    names = sorted(row[0] for row in spark.sql("SHOW FUNCTIONS").collect())
    for name in names:
        text = "\n".join(row[0] for row in spark.sql(f"DESCRIBE FUNCTION EXTENDED `{name}`").collect())
        for example in re.findall(r"^\s*> (.*?;)\s*$", text, re.M | re.S):
            query = " ".join(line.strip() for line in example.rstrip(";").splitlines())
            if LEFT_OUT.search(query) or not query.upper().startswith(("SELECT", "WITH")):
                continue
            expression = re.sub(r"(?i)^select\s+", "", query)
            is_plain = not re.search(r"(?i)\b(from|limit|group by|order by|lateral view|as)\b|explode|inline|stack|json_tuple", expression)
            chosen = expression if is_plain and "," not in re.sub(r"\([^()]*(\([^()]*(\([^()]*\)[^()]*)*\)[^()]*)*\)|'[^']*'", "", expression) else query
            if chosen not in seen:
                seen.add(chosen)
                found.append(chosen)
    return found
