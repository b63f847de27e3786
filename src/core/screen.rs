//! A picture of the screen, as PNG.

use crate::error::{Error, Kind, Result};

/// Rows of pixels from the top, three bytes each: red, green, blue.
struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// The screen as it is now: all monitors together.
pub async fn png() -> Result<Vec<u8>> {
    // A display that does not answer holds up nobody else.
    let taken = tokio::task::spawn_blocking(taken).await;
    taken.unwrap_or_else(|_| Err(Error::new(Kind::Unavailable, "screen.none", "the picture was given up")))
}

fn taken() -> Result<Vec<u8>> {
    let picture = seen().map_err(|why| {
        Error::new(Kind::Unavailable, "screen.none", format!("there is no picture of the screen: {why}")).hint(HINT)
    })?;
    encoded(&picture).map_err(|error| Error::new(Kind::Protocol, "screen.png", error.to_string()))
}

#[cfg(windows)]
const HINT: &str = "there is a screen only in the session of a user who is logged on";
#[cfg(not(windows))]
const HINT: &str = "start it in a session with a screen of X11, where DISPLAY is set";

#[cfg(windows)]
fn seen() -> std::result::Result<Picture, String> {
    let seen = win_screenshot::capture::capture_display().map_err(|error| format!("{error:?}"))?;
    let pixels = seen.pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Ok(Picture { width: seen.width, height: seen.height, pixels })
}

#[cfg(target_os = "linux")]
fn seen() -> std::result::Result<Picture, String> {
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{ConnectionExt, ImageFormat, ImageOrder};

    let (display, number) = x11rb::connect(None).map_err(|error| error.to_string())?;
    let setup = display.setup();
    let screen = setup.roots.get(number).ok_or("the display has no such screen")?;
    let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
    let asked = display
        .get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, u32::MAX)
        .map_err(|error| error.to_string())?;
    let image = asked.reply().map_err(|error| error.to_string())?;
    let bits =
        setup.pixmap_formats.iter().find(|format| format.depth == image.depth).map(|format| format.bits_per_pixel);
    if bits != Some(32) || setup.image_byte_order != ImageOrder::LSB_FIRST {
        return Err(format!("a display of {} colour bits is not understood", image.depth));
    }
    Ok(Picture { width: width.into(), height: height.into(), pixels: turned(&image.data) })
}

#[cfg(not(any(windows, target_os = "linux")))]
fn seen() -> std::result::Result<Picture, String> {
    Err("only those of Windows and of X11 on Linux can be seen".to_owned())
}

/// X11 has blue first, and a fourth byte that says nothing.
#[cfg(target_os = "linux")]
fn turned(data: &[u8]) -> Vec<u8> {
    data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}

fn encoded(picture: &Picture) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_read_back() {
        let picture = Picture { width: 2, height: 1, pixels: vec![255, 0, 0, 1, 2, 3] };
        let file = encoded(&picture).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height, pixels), (2, 1, picture.pixels));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn colours_stand_in_the_order_of_png() {
        assert_eq!(turned(&[1, 2, 3, 0, 4, 5, 6, 255]), [3, 2, 1, 6, 5, 4]);
    }
}
