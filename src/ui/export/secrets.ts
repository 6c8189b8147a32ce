/** What stands where a password was. */
const hidden = '(left out)';

/** A room's password as its users send it (XEP-0045 §7.2.5), as an invitation carries it (§7.8, XEP-0249), and as its owner sets it (§10.2). */
const element = /(<password(?:\s[^<>]*)?>)[^<]*(?=<\/password>)/g;
const attribute = /(\spassword=\\?)(["'])[^<>"']*?(\\?\2)/g;
const field = /(<field\s[^<>]*muc#roomconfig_roomsecret[^<>]*>(?:(?!<\/field>)[\s\S])*?<value>)[^<]*(?=<\/value>)/g;

/** @param text  XML, or lines of JSON that hold XML */
export function withoutPasswords(text: string): string {
  if (!text.includes('password') && !text.includes('roomsecret')) return text;
  return text.replace(element, `$1${hidden}`).replace(attribute, `$1$2${hidden}$3`).replace(field, `$1${hidden}`);
}
