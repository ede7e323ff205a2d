//! Places to read from: local files and folders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;

use super::*;

fn place(path: &FilePath) -> Place {
    Place::open(path.to_str().unwrap()).unwrap()
}

async fn names(place: &Place) -> Vec<String> {
    place.files().await.unwrap().into_iter().map(|file| file.name).collect()
}

#[tokio::test]
async fn a_folder_has_the_files_that_are_not_hidden_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["b.csv", "a.csv", "deep/er/c.csv", "_SUCCESS", ".a.csv.crc", "_log/0.json", "deep/.tmp/x.csv"] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let place = place(folder.path());
    assert!(place.has_folder("_log").await.unwrap() && !place.has_folder("_other").await.unwrap());
    assert_eq!(names(&place).await, ["a.csv", "b.csv", "deep/er/c.csv"]);
    let files = place.files().await.unwrap();
    assert_eq!(place.read(&files[2]).await.unwrap(), "deep/er/c.csv");
    assert_eq!(files[2].bytes, 13);
}

#[tokio::test]
async fn a_file_is_a_place_and_so_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.csv");
    fs::write(&path, "x").unwrap();
    assert_eq!(names(&place(&path)).await, ["a b.csv"]);
    assert!(!place(&path).has_folder("_log").await.unwrap());
    let nothing = place(&folder.path().join("nothing"));
    assert_eq!(names(&nothing).await, [""; 0]);
    assert!(!nothing.has_folder("_log").await.unwrap());
    assert!(!folder.path().join("nothing").exists(), "looking makes nothing");
}

#[tokio::test]
async fn a_changed_file_has_another_tag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "x").unwrap();
    let before = place(&path).files().await.unwrap();
    assert_eq!(place(&path).files().await.unwrap(), before);
    let other = folder.path().join("other");
    fs::write(&other, "y").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_ne!(place(&path).files().await.unwrap(), before, "same length, maybe the same second");
}

#[test]
fn locations_that_mean_nothing_are_refused() {
    let half = |name: &str| (name == "AWS_SECRET_ACCESS_KEY").then(|| "secret".to_string());
    let refused = |location: &str| Place::from_location(location, &half).unwrap_err().to_string();
    assert!(refused("gs://bucket/x").contains("s3://bucket/prefix"));
    assert!(refused("s3://bucket/x").contains("AWS_ACCESS_KEY_ID"));
}
