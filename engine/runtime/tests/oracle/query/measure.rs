//! Aggregate functions, each in the engine's words and in those of the batch engines.

use super::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
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
    MinByLast,
    FirstValue,
}

impl Measure {
    pub const ALL: [Measure; 27] = [
        Measure::Count,
        Measure::CountV,
        Measure::CountDistinctV,
        Measure::CountDistinctK,
        Measure::SumV,
        Measure::SumX,
        Measure::SumDistinctV,
        Measure::AvgV,
        Measure::AvgX,
        Measure::MinV,
        Measure::MaxX,
        Measure::MinK,
        Measure::MaxK,
        Measure::MinBy,
        Measure::MaxBy,
        Measure::CollectList,
        Measure::CollectSet,
        Measure::Percentile,
        Measure::Median,
        Measure::Stddev,
        Measure::BoolAnd,
        Measure::BoolOr,
        Measure::CountFilter,
        Measure::SumFilter,
        Measure::CountIf,
        Measure::ApproxDistinct,
        Measure::DistinctFilter,
    ];

    /// Whole numbers that can be the `v` of a result.
    pub const WHOLE: [Measure; 5] =
        [Measure::Count, Measure::CountV, Measure::SumV, Measure::MinV, Measure::CountDistinctV];

    /// Those that depend on the order of epoch, lane and arrival.
    pub const ORDERED: [Measure; 5] =
        [Measure::First, Measure::Last, Measure::List, Measure::MinByLast, Measure::FirstValue];

    /// True if it depends on the order in which rows came.
    pub fn is_ordered(self) -> bool {
        Measure::ORDERED.contains(&self)
    }

    /// True if it takes the value of the row with the smallest or largest `id`.
    pub fn is_by_id(self) -> bool {
        matches!(self, Measure::MinBy | Measure::MaxBy)
    }

    pub fn engine(self) -> &'static str {
        match self {
            Measure::MinBy => "min_by(v, id)",
            Measure::MaxBy => "max_by(k, id)",
            Measure::CollectList => "array_sort(collect_list(v))",
            Measure::CollectSet => "array_sort(collect_set(v))",
            Measure::Percentile => "percentile(v, 0.25)",
            Measure::Median => "median(x)",
            Measure::Stddev => "stddev(x)",
            Measure::BoolAnd => "bool_and(v > 0)",
            Measure::BoolOr => "bool_or(v > 5)",
            Measure::CountIf => "count_if(v > 3)",
            Measure::ApproxDistinct => "approx_count_distinct(v)",
            Measure::First => "first(v)",
            Measure::Last => "last(k)",
            Measure::List => "collect_list(v)",
            Measure::MinByLast => "min_by(id, v)",
            Measure::FirstValue => "first(v, true)",
            _ => self.plain(),
        }
    }

    pub fn batch(self, dialect: Dialect) -> &'static str {
        let is_duck = dialect == Dialect::Duck;
        match self {
            Measure::MinBy if is_duck => "first(v ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Measure::MinBy => "first_value(v ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Measure::MaxBy if is_duck => "last(k ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Measure::MaxBy => "last_value(k ORDER BY id) FILTER (WHERE id IS NOT NULL)",
            Measure::CollectList if is_duck => "coalesce(list_sort(list(v) FILTER (WHERE v IS NOT NULL)), [])",
            // DataFusion's string_agg has no order by a number under FILTER that all versions keep; a list has.
            Measure::CollectList => {
                "coalesce(array_to_string(array_agg(v ORDER BY v) FILTER (WHERE v IS NOT NULL), ','), '')"
            }
            Measure::CollectSet if is_duck => "coalesce(list_sort(list(DISTINCT v) FILTER (WHERE v IS NOT NULL)), [])",
            Measure::CollectSet => {
                "coalesce(array_to_string(array_sort(array_agg(DISTINCT v) FILTER (WHERE v IS NOT NULL)), ','), '')"
            }
            Measure::Percentile if is_duck => "quantile_cont(v, 0.25)",
            Measure::Percentile => "percentile_cont(CAST(v AS DOUBLE), 0.25)",
            Measure::Median => "median(x)",
            Measure::Stddev => "stddev_samp(x)",
            Measure::BoolAnd => "bool_and(v > 0)",
            Measure::BoolOr => "bool_or(v > 5)",
            Measure::CountIf => "count(*) FILTER (WHERE v > 3)",
            Measure::ApproxDistinct => "count(DISTINCT v)",
            Measure::First if is_duck => "first(v ORDER BY seq)",
            Measure::First => "first_value(v ORDER BY seq)",
            Measure::Last if is_duck => "last(k ORDER BY seq)",
            Measure::Last => "last_value(k ORDER BY seq)",
            Measure::List if is_duck => "coalesce(list(v ORDER BY seq) FILTER (WHERE v IS NOT NULL), [])",
            Measure::List => {
                "coalesce(array_to_string(array_agg(v ORDER BY seq) FILTER (WHERE v IS NOT NULL), ','), '')"
            }
            Measure::FirstValue if is_duck => "first(v ORDER BY seq) FILTER (WHERE v IS NOT NULL)",
            Measure::FirstValue => "first_value(v ORDER BY seq) FILTER (WHERE v IS NOT NULL)",
            Measure::MinByLast if is_duck => "first(id ORDER BY v, seq DESC) FILTER (WHERE v IS NOT NULL)",
            Measure::MinByLast => "first_value(id ORDER BY v, seq DESC) FILTER (WHERE v IS NOT NULL)",
            _ => self.plain(),
        }
    }

    /// The same for all.
    fn plain(self) -> &'static str {
        match self {
            Measure::Count => "count(*)",
            Measure::CountV => "count(v)",
            Measure::CountDistinctV => "count(DISTINCT v)",
            Measure::CountDistinctK => "count(DISTINCT k)",
            Measure::SumV => "sum(v)",
            Measure::SumX => "sum(x)",
            Measure::SumDistinctV => "sum(DISTINCT v)",
            Measure::AvgV => "avg(v)",
            Measure::AvgX => "avg(x)",
            Measure::MinV => "min(v)",
            Measure::MaxX => "max(x)",
            Measure::MinK => "min(k)",
            Measure::MaxK => "max(k)",
            Measure::CountFilter => "count(*) FILTER (WHERE g = 1)",
            Measure::SumFilter => "sum(v) FILTER (WHERE k = 'k0')",
            Measure::DistinctFilter => "count(DISTINCT v) FILTER (WHERE g IS NOT NULL)",
            _ => unreachable!("{self:?} has words of its own"),
        }
    }
}
