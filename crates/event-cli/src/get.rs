//! `event get`.

use crate::arguments::GetArguments;
use crate::exit::Failure;
use crate::look::look;
use crate::output;

pub(crate) async fn run(arguments: &GetArguments) -> Result<(), Failure> {
    let entry = look(&arguments.look).await?;
    output::write(entry.value().map_or(b"", |value| value))
}
