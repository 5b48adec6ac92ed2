/** The file in which a measuring activity stages what it found. */
export const MEASUREMENTS = 'measurements.json';
/** The file in which the reference profile is staged beside the statistical metrics. */
export const PROFILE = 'profile.json';
/** The file in which a measuring activity stages what plots are drawn of. */
export const PLOTS = 'plots.json';
/** The file in which the evidence's nonce is staged, so that a repeated attempt writes the same evidence. */
export const NONCE = 'nonce';
/** Before these names, where they are about the smaller twin. */
export const OF_TWIN = 'twin-';
/** The file in which a measuring activity stages how the twin compares with the full model. */
export const COMPARED = 'twin.json';
