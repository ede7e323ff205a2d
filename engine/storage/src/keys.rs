//! Keys for S3: those of the environment, or those that the machine, the container or the cluster gives to who runs on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Message, SinkError};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, RetryConfig};

/// How long an answer is waited for. A service beside the machine answers in milliseconds, and where there is none a request may
/// be swallowed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A variable of the environment that is set and not empty.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Gives a store its keys. `location` is the place as the user wrote it.
///
/// # Errors
/// `Settings` if half of them are set, or none and nobody may be asked.
pub(crate) fn with_keys(
    builder: AmazonS3Builder,
    location: &str,
    region: &str,
    variable: Variable<'_>,
) -> Result<AmazonS3Builder, SinkError> {
    let needs = |name: &str| {
        Err(SinkError::Settings(format!("`{location}` needs the environment variable {name}, which is not set").into()))
    };
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            Ok(match variable("AWS_SESSION_TOKEN") {
                Some(token) => builder.with_token(token),
                None => builder,
            })
        }
        (Some(_), None) => needs("AWS_SECRET_ACCESS_KEY"),
        (None, Some(_)) => needs("AWS_ACCESS_KEY_ID"),
        (None, None) => match Giver::find(location, variable)? {
            Some(giver) => Ok(builder.with_credentials(Arc::new(giver.keys(location, region)?))),
            None => needs("AWS_ACCESS_KEY_ID"),
        },
    }
}

/// Who gives keys where none are set.
struct Giver {
    settings: Vec<(AmazonS3ConfigKey, String)>,
    /// What was tried, for a message.
    tried: String,
}

impl Giver {
    /// The one that the environment points to, as Amazon's own programs have it: a web identity, the container's service, the machine's.
    ///
    /// # Errors
    /// `Settings` if one is named by half: whoever set that would get the keys of somebody else.
    fn find(location: &str, variable: Variable<'_>) -> Result<Option<Giver>, SinkError> {
        use AmazonS3ConfigKey as Key;
        let given = |pairs: &[(Key, &str)]| -> Vec<(Key, String)> {
            pairs.iter().filter_map(|(key, name)| Some((*key, variable(name)?))).collect()
        };
        let whole = |pair: [(Key, &str); 2]| match (variable(pair[0].1), variable(pair[1].1)) {
            (Some(_), Some(_)) => Ok(Some(given(&pair))),
            (Some(_), None) => Err(half(location, pair[0].1, pair[1].1)),
            (None, Some(_)) => Err(half(location, pair[1].1, pair[0].1)),
            (None, None) => Ok(None),
        };
        let identity = [(Key::WebIdentityTokenFile, "AWS_WEB_IDENTITY_TOKEN_FILE"), (Key::RoleArn, "AWS_ROLE_ARN")];
        if let Some(identity) = whole(identity)? {
            let more =
                given(&[(Key::RoleSessionName, "AWS_ROLE_SESSION_NAME"), (Key::StsEndpoint, "AWS_ENDPOINT_URL_STS")]);
            let tried = "the web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN) gives none".to_string();
            return Ok(Some(Giver { settings: identity.into_iter().chain(more).collect(), tried }));
        }
        let task = given(&[(Key::ContainerCredentialsRelativeUri, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")]);
        if !task.is_empty() {
            let tried = "the container's service (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) gives none".to_string();
            return Ok(Some(Giver { settings: task, tried }));
        }
        let pod = [
            (Key::ContainerCredentialsFullUri, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            (Key::ContainerAuthorizationTokenFile, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        ];
        if let Some(settings) = whole(pod)? {
            let tried = "the container's service (AWS_CONTAINER_CREDENTIALS_FULL_URI) gives none".to_string();
            return Ok(Some(Giver { settings, tried }));
        }
        if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let settings = given(&[(Key::MetadataEndpoint, "AWS_EC2_METADATA_SERVICE_ENDPOINT")]);
        let tried = "no web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN) and no container's service \
                     (AWS_CONTAINER_CREDENTIALS_…) is named either, and the metadata service of this machine gives none";
        Ok(Some(Giver { settings, tried: tried.to_string() }))
    }

    fn keys(self, location: &str, region: &str) -> Result<AskedKeys, SinkError> {
        let options = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(ANSWER_TIMEOUT);
        // The store is never asked anything: it is the library's only door to who gives keys.
        let builder = AmazonS3Builder::new().with_bucket_name("none").with_region(region);
        let builder = builder.with_client_options(options).with_retry(one_more_try());
        let builder = self.settings.into_iter().fold(builder, |builder, (key, value)| builder.with_config(key, value));
        let store = builder
            .build()
            .map_err(|error| SinkError::Settings(Message::caused_by(format!("`{location}`: {error}"), &error)))?;
        let inner = Arc::clone(store.credentials());
        Ok(AskedKeys { inner, location: location.to_string(), tried: self.tried, had_some: AtomicBool::new(false) })
    }
}

/// Of a pair of variables only one is set.
fn half(location: &str, set: &str, missing: &str) -> SinkError {
    SinkError::Settings(format!(
        "`{location}`: {set} is set, which asks for keys together with {missing}, and that is not; set {missing} too, or take {set} away"
    ).into())
}

fn one_more_try() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 1, retry_timeout: 3 * ANSWER_TIMEOUT }
}

/// Keys that are asked for, and asked for again before they expire.
struct AskedKeys {
    inner: AwsCredentialProvider,
    location: String,
    tried: String,
    had_some: AtomicBool,
}

impl std::fmt::Debug for AskedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedKeys").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialProvider for AskedKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match self.inner.get_credential().await {
            Ok(keys) => {
                self.had_some.store(true, Ordering::Relaxed);
                Ok(keys)
            }
            // Who gave some once is away for a while; who never did is not there.
            Err(error) if self.had_some.load(Ordering::Relaxed) => Err(error),
            Err(error) => Err(object_store::Error::Unauthenticated {
                path: self.location.clone(),
                source: format!(
                    "there are no keys for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and {} ({error})",
                    self.tried
                )
                .into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
