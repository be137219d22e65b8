"""What the dictionary does not know of Spanish inflection; accents are stripped, as the tokenizer does."""

# Endings of inflected forms, and what a lemma may have instead (- for nothing). Tried in this order.
_ENDINGS = """
mente:-,o,a  isimo:o,-  isima:o,a  isimos:o  isimas:o,a  itos:o  itas:a,o  ito:o  ita:a,o  ando:ar  iendo:er,ir
yendo:er,ir  ados:ar,ado  adas:ar,ado  ado:ar  ada:ar,ado  idos:er,ir,ido  idas:er,ir,ido  ido:er,ir  ida:er,ir,ido
arlo:ar  arla:ar  arle:ar  arme:ar  arte:ar  arse:ar  arnos:ar  erlo:er  erse:er  irse:ir  irme:ir  erme:er
aremos:ar  aron:ar  ieron:er,ir  aban:ar  aba:ar  abas:ar  abamos:ar  amos:ar  emos:er,ar  imos:ir,er  aste:ar
iste:er,ir  iamos:er,ir  ian:er,ir  ias:er,ir  ia:er,ir  ara:ar  aran:ar  aria:ar  eria:er  iria:ir  era:er  ira:ir
are:ar  ere:er  ire:ir  iera:er,ir  ieran:er,ir  ais:ar  eis:er  ces:z  es:-,e,er,ir,ar  as:a,o,ar  os:o  an:ar,er
en:er,ir,ar  io:er,ir  a:o,ar,er  e:ar,er,ir  o:ar,er,ir  s:-
"""
# Irregular forms that endings lead nowhere, and what they mean.
_IRREGULAR = """
tenia:had tenian:had tengo:have tienes:have tienen:have tuve:had tuvo:had tuvieron:had tenga:have puedo:can
puede:can puedes:can pueden:can pude:could pudo:could podria:could podrian:could quiero:want quiere:want
quieres:want quieren:want queria:wanted quise:wanted quiso:wanted voy:going vas:going vamos:going van:going
iba:going vaya:go fui:went fueron:were eran:were sera:will seran:will seria:would sea:be siendo:being estuvo:was
estuve:was estare:will hago:do hacen:do hice:did hizo:did hicieron:did hecho:done haga:do digo:say dice:says
dicen:say dije:said dijo:said dicho:said diga:say veo:see visto:seen sabe:knows saben:know supe:knew sepa:know
vengo:come viene:comes vienen:come vino:came pongo:put pone:puts puesto:put salgo:leave doy:give dio:gave
dieron:gave siento:sorry siente:feels sienten:feel pierdo:lose pierde:loses pierden:lose perdi:lost perdio:lost
perdido:lost encuentro:find cuesta:costs vuelve:returns vuelvo:return vuelva:return volvere:return volveria:return
duermo:sleep muere:dies muerto:dead roto:broken pido:ask pide:asks piden:ask sigo:continue sigue:continues
siguen:continue llego:arrived habia:had habian:had hubo:was haya:have hemos:have habra:will hay:there nosotros:we
ustedes:you vosotros:you ellos:they ellas:they contigo:with conmigo:me usted:you
"""

ENDINGS = [
    (ending, [other.replace("-", "") for other in others.split(",")])
    for ending, others in (entry.split(":") for entry in _ENDINGS.split())
]
IRREGULAR = dict(entry.split(":") for entry in _IRREGULAR.split())
