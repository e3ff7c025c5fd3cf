// The HAQ form.

import { startReachBand } from "./reach-band.js";

startReachBand(document.querySelector("[data-quantize-form]"));
