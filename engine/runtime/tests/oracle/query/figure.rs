//! Aggregate functions, each in the engine's words and in those of the batch engines.

use super::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Count,
    CountV,
    CountDistinctV,
    CountDistinctK,
    SumV,
    SumX,
    SumDistinctV,
    AvgV,
    AvgX,
    MinV,
    MaxX,
    MinK,
    MaxK,
    MinBy,
    MaxBy,
    CollectList,
    CollectSet,
    Percentile,
    Median,
    Stddev,
    BoolAnd,
    BoolOr,
    CountFilter,
    SumFilter,
    CountIf,
    ApproxDistinct,
    DistinctFilter,
    First,
    Last,
    List,
    MinByFirst,
    FirstValue,
}

impl Figure {
    pub const ALL: [Figure; 27] = [
        Figure::Count,
        Figure::CountV,
        Figure::CountDistinctV,
        Figure::CountDistinctK,
        Figure::SumV,
        Figure::SumX,
        Figure::SumDistinctV,
        Figure::AvgV,
        Figure::AvgX,
        Figure::MinV,
        Figure::MaxX,
        Figure::MinK,
        Figure::MaxK,
        Figure::MinBy,
        Figure::MaxBy,
        Figure::CollectList,
        Figure::CollectSet,
        Figure::Percentile,
        Figure::Median,
        Figure::Stddev,
        Figure::BoolAnd,
        Figure::BoolOr,
        Figure::CountFilter,
        Figure::SumFilter,
        Figure::CountIf,
        Figure::ApproxDistinct,
        Figure::DistinctFilter,
    ];

    /// Whole numbers that can be the `v` of a result.
    pub const WHOLE: [Figure; 5] = [Figure::Count, Figure::CountV, Figure::SumV, Figure::MinV, Figure::CountDistinctV];

    /// Those that depend on the order of epoch, lane and arrival.
    pub const ORDERED: [Figure; 5] =
        [Figure::First, Figure::Last, Figure::List, Figure::MinByFirst, Figure::FirstValue];

    /// True if it depends on the order in which rows came.
    pub fn is_ordered(self) -> bool {
        Figure::ORDERED.contains(&self)
    }

    /// True if it takes the value of the row with the smallest or largest `id`.
    pub fn is_by_id(self) -> bool {
        matches!(self, Figure::MinBy | Figure::MaxBy)
    }

    pub fn engine(self) -> &'static str {
        match self {
            Figure::MinBy => "min_by(v, id)",
            Figure::MaxBy => "max_by(k, id)",
            Figure::CollectList => "array_sort(collect_list(v))",
            Figure::CollectSet => "array_sort(collect_set(v))",
            Figure::Percentile => "percentile(v, 0.25)",
            Figure::Median => "median(x)",
            Figure::Stddev => "stddev(x)",
            Figure::BoolAnd => "bool_and(v > 0)",
            Figure::BoolOr => "bool_or(v > 5)",
            Figure::CountIf => "count_if(v > 3)",
            Figure::ApproxDistinct => "approx_count_distinct(v)",
            Figure::First => "first(v)",
            Figure::Last => "last(k)",
            Figure::List => "collect_list(v)",
            Figure::MinByFirst => "min_by(id, v)",
            Figure::FirstValue => "first(v, true)",
            _ => self.plain(),
        }
    }

    pub fn batch(self, dialect: Dialect) -> &'static str {
        let is_duck = dialect == Dialect::Duck;
        match self {
            Figure::MinBy if is_duck => "first(v ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Figure::MinBy => "first_value(v ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Figure::MaxBy if is_duck => "last(k ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Figure::MaxBy => "last_value(k ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Figure::CollectList if is_duck => "coalesce(list_sort(list(v) FILTER (WHERE v IS NOT NULL)), [])",
            // DataFusion's string_agg has no order by a number under FILTER that all versions keep; a list has.
            Figure::CollectList => {
                "coalesce(array_to_string(array_agg(v ORDER BY v) FILTER (WHERE v IS NOT NULL), ','), '')"
            }
            Figure::CollectSet if is_duck => "coalesce(list_sort(list(DISTINCT v) FILTER (WHERE v IS NOT NULL)), [])",
            Figure::CollectSet => {
                "coalesce(array_to_string(array_sort(array_agg(DISTINCT v) FILTER (WHERE v IS NOT NULL)), ','), '')"
            }
            Figure::Percentile if is_duck => "quantile_cont(v, 0.25)",
            Figure::Percentile => "percentile_cont(CAST(v AS DOUBLE), 0.25)",
            Figure::Median => "median(x)",
            Figure::Stddev => "stddev_samp(x)",
            Figure::BoolAnd => "bool_and(v > 0)",
            Figure::BoolOr => "bool_or(v > 5)",
            Figure::CountIf => "count(*) FILTER (WHERE v > 3)",
            Figure::ApproxDistinct => "count(DISTINCT v)",
            Figure::First if is_duck => "first(v ORDER BY seq)",
            Figure::First => "first_value(v ORDER BY seq)",
            Figure::Last if is_duck => "last(k ORDER BY seq)",
            Figure::Last => "last_value(k ORDER BY seq)",
            Figure::List if is_duck => "coalesce(list(v ORDER BY seq) FILTER (WHERE v IS NOT NULL), [])",
            Figure::List => {
                "coalesce(array_to_string(array_agg(v ORDER BY seq) FILTER (WHERE v IS NOT NULL), ','), '')"
            }
            Figure::FirstValue if is_duck => "first(v ORDER BY seq) FILTER (WHERE v IS NOT NULL)",
            Figure::FirstValue => "first_value(v ORDER BY seq) FILTER (WHERE v IS NOT NULL)",
            Figure::MinByFirst if is_duck => "first(id ORDER BY v, seq) FILTER (WHERE v IS NOT NULL)",
            Figure::MinByFirst => "first_value(id ORDER BY v, seq) FILTER (WHERE v IS NOT NULL)",
            _ => self.plain(),
        }
    }

    /// The same for all.
    fn plain(self) -> &'static str {
        match self {
            Figure::Count => "count(*)",
            Figure::CountV => "count(v)",
            Figure::CountDistinctV => "count(DISTINCT v)",
            Figure::CountDistinctK => "count(DISTINCT k)",
            Figure::SumV => "sum(v)",
            Figure::SumX => "sum(x)",
            Figure::SumDistinctV => "sum(DISTINCT v)",
            Figure::AvgV => "avg(v)",
            Figure::AvgX => "avg(x)",
            Figure::MinV => "min(v)",
            Figure::MaxX => "max(x)",
            Figure::MinK => "min(k)",
            Figure::MaxK => "max(k)",
            Figure::CountFilter => "count(*) FILTER (WHERE g = 1)",
            Figure::SumFilter => "sum(v) FILTER (WHERE k = 'k0')",
            Figure::DistinctFilter => "count(DISTINCT v) FILTER (WHERE g IS NOT NULL)",
            _ => unreachable!("{self:?} has words of its own"),
        }
    }
}
