//! What is wrong with a file of a log, in words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use object_store::memory::InMemory;

use super::*;

const LOG: &str = "_delta_log/0000000000000000000";

/// What is said of a log with these files.
async fn said(files: &[(&str, &str)]) -> Option<String> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (name, content) in files {
        store.put(&Path::from(format!("{LOG}{name}")), content.as_bytes().to_vec().into()).await.unwrap();
    }
    damage(&store).await
}

/// A log that was cut off by a full disk, or by power that failed, was "cannot be read", with neither the file nor a remedy.
#[tokio::test]
async fn fault_a_torn_log_names_the_file_and_the_remedy() {
    let whole = "{\"commitInfo\":{}}\n{\"txn\":{\"appId\":\"a\",\"version\":1}}\n";
    assert_eq!(said(&[("0.json", whole), ("1.json", whole)]).await, None);
    let newest = said(&[("0.json", whole), ("1.json", &whole[..whole.len() - 5])]).await.unwrap();
    assert!(newest.starts_with(&format!("its log entry {LOG}1.json is damaged: line 2 is no action")), "{newest}");
    assert!(newest.contains("it may also be moved away: the table is at version 0 then"), "{newest}");
    let older = said(&[("0.json", whole), ("1.json", ""), ("2.json", whole)]).await.unwrap();
    assert!(older.contains(&format!("{LOG}1.json is damaged: it is empty; restore that file")), "{older}");
    assert!(!older.contains("moved away"), "{older}");
    // What lies behind the summary is not read.
    let summary =
        said(&[("0.json", "{"), ("1.checkpoint.parquet", "PAR1 and no more"), ("2.json", whole)]).await.unwrap();
    assert!(summary.contains(&format!("the summary of its log {LOG}1.checkpoint.parquet is damaged")), "{summary}");
    assert!(summary.contains("_last_checkpoint"), "{summary}");
}

/// A lost entry was answered with the library's own structures.
#[tokio::test]
async fn fault_a_log_with_a_hole_names_what_is_lost() {
    let whole = "{\"commitInfo\":{}}\n";
    let one = said(&[("0.json", whole), ("2.json", whole)]).await.unwrap();
    assert!(one.starts_with(&format!("its log has lost entry 1 before {LOG}2.json")), "{one}");
    let several = said(&[("0.json", whole), ("1.json", whole), ("5.json", whole)]).await.unwrap();
    assert!(several.starts_with("its log has lost entries 2 to 4 before"), "{several}");
    let first = said(&[("3.json", whole), ("4.json", whole)]).await.unwrap();
    assert!(first.starts_with("its log has lost entries 0 to 2 before"), "{first}");
}
