//! A table in the warehouse beside the one that came out of the replay, as multisets of rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::TableSnapshot;
use datafusion::prelude::SessionContext;
use epoch::EpochId;

use super::scope::TableScope;
use super::{CameOut, Sides};
use crate::difference::one_sided;
use crate::rows::Rows;
use crate::verify::reach::rows_since;
use crate::verify::snapshot::FILE;

/// Rows shown of each side.
const SHOWN: usize = 5;

/// How a table came out, from an epoch on or as a whole.
pub async fn outcome(
    context: &SessionContext,
    sides: Sides<'_>,
    TableScope { since, note, doubt }: TableScope,
) -> CameOut {
    let damage = sides.warehouse.and_then(|table| table.info.damage.clone());
    if let Some(damage) = damage {
        return CameOut::Otherwise(vec![format!("it cannot be read: {damage}")]);
    }
    let columns = columns_of(sides);
    let lacking = sides.warehouse.and_then(|table| {
        let schema = table.provider.schema();
        columns.iter().find(|column| schema.index_of(column).is_err()).cloned()
    });
    if let Some(lacking) = lacking {
        return CameOut::Otherwise(vec![format!("it has no column {lacking} in the warehouse, which its query gives")]);
    }
    let warehouse = match rows_of(context, sides.warehouse, &columns, since).await {
        Ok(rows) => rows,
        // Only what the warehouse still says of its rows hinders a comparison of some epochs.
        Err(reason) if since.is_some() => return CameOut::LeftOut(reason),
        Err(reason) => return CameOut::Otherwise(vec![format!("it cannot be read: {reason}")]),
    };
    match rows_of(context, sides.again, &columns, since).await {
        Ok(again) => between(&again, &warehouse, note, doubt),
        Err(reason) => CameOut::Otherwise(vec![format!("what was run again cannot be read: {reason}")]),
    }
}

/// The columns that its query gives now. One that it gave before stays in the warehouse, as NULL.
fn columns_of(sides: Sides<'_>) -> Vec<String> {
    let schema = sides.again.or(sides.warehouse).map(|table| table.provider.schema());
    let names = schema.iter().flat_map(|schema| schema.fields().iter()).map(|field| field.name().clone());
    names.filter(|name| name != FILE).collect()
}

async fn rows_of(
    context: &SessionContext,
    table: Option<&TableSnapshot>,
    columns: &[String],
    since: Option<EpochId>,
) -> Result<Rows, String> {
    let Some(table) = table else { return Ok(Rows::of("", Vec::new(), &BTreeSet::new())) };
    let words = |error: datafusion::error::DataFusionError| error.to_string();
    let frame = context.read_table(Arc::clone(&table.provider)).map_err(words)?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let frame = rows_since(frame, table, since)?.select_columns(&columns).map_err(words)?;
    let batches = frame.collect().await.map_err(words)?;
    Ok(Rows::of(&table.info.name, batches, &BTreeSet::new()))
}

fn between(again: &Rows, warehouse: &Rows, note: Option<String>, doubt: Option<String>) -> CameOut {
    let (only_again, only_there) = one_sided(&again.keys, &warehouse.keys);
    if only_again.is_empty() && only_there.is_empty() {
        return CameOut::Same { rows: warehouse.keys.len() as u64, note };
    }
    let (here, there) = (warehouse.keys.len(), again.keys.len());
    let mut lines = vec![format!(
        "{here} rows lie in the warehouse, {there} came out; {} lie there only, {} came out only",
        only_there.len(),
        only_again.len()
    )];
    lines.extend(only_there.iter().take(SHOWN).map(|key| format!("there only: {}", warehouse.show(key))));
    lines.extend(only_again.iter().take(SHOWN).map(|key| format!("out only:   {}", again.show(key))));
    lines.extend(note.into_iter().chain(doubt));
    CameOut::Otherwise(lines)
}

#[cfg(test)]
mod tests;
