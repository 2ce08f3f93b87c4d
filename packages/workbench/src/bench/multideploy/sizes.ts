/** The image is twenty times its boot set (DEFINITIONS, "Measuring: multideploy"). */
export const imageBytes = 320 * 1024 * 1024;
export const bootSetBytes = 16 * 1024 * 1024;
/** Every link, the master's too, both ways. */
export const linkMbps = 25;
export const linkBytesPerSecond = (linkMbps * 1e6) / 8;
