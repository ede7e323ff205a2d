//! What is said when a static table cannot be read: the table, the file, what to do.

use super::*;

async fn refused(table: &job::StaticTable, words: &[&str]) {
    let error = opened(table).load_current().await.unwrap_err();
    assert!(!matches!(&error, StaticError::Internal(_) | StaticError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    for word in words.iter().chain(&["static table products"]) {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

fn written(folder: &Path, name: &str, text: &str) -> job::StaticTable {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    table(&path)
}

#[tokio::test]
async fn nothing_is_there_or_its_format_is_unclear() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = table(&folder.path().join("nothing"));
    refused(&nothing, &["no file is at", "nothing", "`path`"]).await;
    assert!(opened(&nothing).current().await.is_err());
    refused(&written(folder.path(), "a.dat", "x"), &["a.dat", "write `format`"]).await;
    refused(&written(folder.path(), "a.csv.gz", "x"), &["a.csv.gz", "unpack it"]).await;
    fs::remove_file(folder.path().join("a.csv.gz")).unwrap();
    fs::remove_file(folder.path().join("a.dat")).unwrap();
    fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
    fs::write(folder.path().join("b.json"), "{\"id\":1}\n").unwrap();
    refused(&table(folder.path()), &["several formats", "write `format`"]).await;
}

#[tokio::test]
async fn csv_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let two = written(folder.path(), "two.csv", "id,ID\n1,2\n");
    refused(&two, &["two.csv", "twice", "rename one"]).await;
    refused(&written(folder.path(), "bare.csv", "id,\n1,2\n"), &["bare.csv", "no name"]).await;
    refused(&written(folder.path(), "ragged.csv", "id,name\n1\n"), &["ragged.csv", "correct the file"]).await;
    let mut typed = written(folder.path(), "typed.csv", "id,name\n1,a\nx,b\n");
    typed.schema = vec![column("id", job::DataType::Int)];
    refused(&typed, &["typed.csv", "'x'", "schema"]).await;
    typed.schema = vec![column("ident", job::DataType::Int)];
    refused(&typed, &["no column `ident`", "id, name", "`field`"]).await;
    typed.schema = vec![column("id", job::DataType::Array(Box::new(job::DataType::Int)))];
    refused(&typed, &["`id`", "CSV"]).await;
    let mut required = written(folder.path(), "required.csv", "id,name\n1,\n");
    required.schema = vec![Column { required: true, ..column("name", job::DataType::String) }];
    refused(&required, &["required.csv", "`name` is required", "NULL in 1 rows"]).await;
}

#[tokio::test]
async fn json_and_parquet_that_do_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    refused(&written(folder.path(), "broken.json", "{\"id\":1}\n{\"id\":\n"), &["schema"]).await;
    refused(&written(folder.path(), "mixed.json", "{\"id\":1}\n{\"id\":{\"a\":1}}\n"), &["write a schema"]).await;
    let mut typed = written(folder.path(), "typed.json", "{\"id\":1}\n{\"id\":1.5}\n");
    typed.schema = vec![column("id", job::DataType::Int)];
    refused(&typed, &["typed.json", "line 2", "id", "1.5"]).await;
    refused(&written(folder.path(), "cut.parquet", "PAR1"), &["cut.parquet", "whole Parquet file"]).await;
    let path = folder.path().join("p.parquet");
    write_parquet(&path, &rows(&[1], &[Some("x")]));
    let mut table = table(&path);
    table.schema = vec![column("name", job::DataType::Int)];
    refused(&table, &["p.parquet", "`name`", "schema"]).await;
}

#[test]
fn a_path_that_means_nothing_is_refused_at_once() {
    let refused = |path: &str| FilesStatics.open(&table(Path::new(path))).err().unwrap().to_string();
    let text = refused("gs://bucket/products");
    assert!(text.contains("static table products") && text.contains("s3://bucket/prefix"), "{text}");
}
