//! The terminal.

use std::io::{self, IsTerminal, Read, Write, stdin, stdout};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use tokio::sync::oneshot;

use super::view::{Line, Style};
use crate::exit::Failure;

/// A terminal that does not say how large it is.
const DEFAULT_SIZE: (usize, usize) = (80, 24);
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// A terminal that shows the table. Dropping it restores the terminal.
pub(super) struct Screen {
    #[cfg(unix)]
    resizes: tokio::signal::unix::Signal,
    /// `None`: the user can't type.
    left: Option<oneshot::Receiver<()>>,
    is_raw: bool,
}

/// What the user did.
pub(super) enum Input {
    Resized,
    /// Typed `q` or Ctrl-C.
    Left,
}

impl Screen {
    pub(super) fn enter() -> Result<Self, Failure> {
        #[cfg(unix)]
        let resizes = {
            use tokio::signal::unix::{SignalKind, signal};
            signal(SignalKind::window_change()).map_err(|error| {
                Failure::unknown(format!("could not listen for signals: {error}"))
            })?
        };
        // Without a terminal to type in, signals end the table.
        let is_raw = stdin().is_terminal() && enable_raw_mode().is_ok();
        let screen = Self {
            #[cfg(unix)]
            resizes,
            left: is_raw.then(typed),
            is_raw,
        };
        execute!(stdout(), EnterAlternateScreen, DisableLineWrap, Hide).map_err(|error| {
            Failure::unknown(format!("could not write to the terminal: {error}"))
        })?;
        Ok(screen)
    }

    /// How many columns and rows it has.
    #[allow(clippy::unused_self)] // A terminal has one size, however we ask.
    pub(super) fn size(&self) -> (usize, usize) {
        #[cfg(unix)]
        let size = crossterm::terminal::window_size().map(|size| (size.columns, size.rows));
        #[cfg(not(unix))]
        let size = crossterm::terminal::size();
        match size {
            Ok((columns, rows)) if columns > 0 && rows > 0 => (columns.into(), rows.into()),
            _ => DEFAULT_SIZE,
        }
    }

    /// Writes the lines at once, and clears the rest.
    pub(super) fn draw(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut frame = Vec::new();
        for (y, line) in (0..).zip(lines) {
            // Cleared first: a line may end in the last column, where clearing the rest would hide a character.
            queue!(frame, MoveTo(0, y), Clear(ClearType::CurrentLine))?;
            match line.style {
                Style::Plain => {}
                Style::Title => queue!(frame, SetAttribute(Attribute::Bold))?,
                Style::Good => queue!(frame, SetForegroundColor(Color::Green))?,
                Style::Bad => queue!(frame, SetForegroundColor(Color::Red))?,
                Style::Past => queue!(frame, SetAttribute(Attribute::Dim))?,
                Style::Changed => queue!(frame, SetAttribute(Attribute::Reverse))?,
            }
            queue!(frame, Print(&line.text), SetAttribute(Attribute::Reset), ResetColor)?;
        }
        if lines.len() < self.size().1 {
            let y = u16::try_from(lines.len()).unwrap_or(u16::MAX);
            queue!(frame, MoveTo(0, y), Clear(ClearType::FromCursorDown))?;
        }
        let mut out = stdout().lock();
        out.write_all(&frame)?;
        out.flush()
    }

    /// Waits for the user. If there is no signal for a new size, the next drawing notices it.
    pub(super) async fn input(&mut self) -> Input {
        #[cfg(unix)]
        let resized = self.resizes.recv();
        #[cfg(not(unix))]
        let resized = std::future::pending::<Option<()>>();
        tokio::select! {
            Some(()) = resized => Input::Resized,
            () = async {
                if let Some(left) = &mut self.left {
                    if left.await.is_ok() {
                        return;
                    }
                    self.left = None; // Its sender is gone, and it must not be polled again.
                }
                std::future::pending::<()>().await;
            } => Input::Left,
        }
    }
}

/// Reads what the user types on a thread of its own, which ends with the program.
///
/// Why not crossterm's events? They panic if there is no terminal to read from.
fn typed() -> oneshot::Receiver<()> {
    let (left, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut keys = [0; 64];
        while let Ok(count @ 1..) = stdin().lock().read(&mut keys) {
            let ends = |key: &u8| [CTRL_C, CTRL_D, b'q', b'Q'].contains(key);
            if keys.iter().take(count).any(ends) {
                let _ = left.send(()); // Nobody waits if the program ends anyway.
                return;
            }
        }
    });
    receiver
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _ = execute!(stdout(), Show, EnableLineWrap, LeaveAlternateScreen);
        if self.is_raw {
            let _ = disable_raw_mode();
        }
    }
}
