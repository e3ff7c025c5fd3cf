// The ProxylessNAS form.

import { startReachBand } from "./reach-band.js";

startReachBand(document.querySelector("[data-search-form]"));
