// Why a check cannot be made here.
export class Skip extends Error {}
