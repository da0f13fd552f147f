"""A tiny picture in every format, red on the left, blue on the right: what can be read here?"""

from __future__ import annotations

from base64 import b85decode
from zlib import decompress

import numpy as np

from phototag.errors import UnreadableImage
from phototag.images.read import read

WIDTH, HEIGHT = 48, 32
RED, BLUE = (210, 40, 40), (40, 60, 200)
MOST_OFF = 40
"""Grey levels that lossy compression at this size may be off; the colours are 160 apart."""


def readable() -> dict[str, str | None]:
    """Every format, and what is wrong with reading it here; None where nothing is."""
    return {name: _trouble(name) for name in _SAMPLES}


def sample(name: str) -> bytes:
    """The file of the tiny picture in that format."""
    return decompress(b85decode(_SAMPLES[name]))


def _trouble(name: str) -> str | None:
    try:
        picture = read(sample(name), f"sample.{name}")
    except (UnreadableImage, ImportError, OSError) as error:
        return str(error)
    if picture.format != name or (picture.width, picture.height) != (WIDTH, HEIGHT):
        return f"it was read as {picture.format} of {picture.width} x {picture.height}"
    halves = picture.pixels[:, :20], picture.pixels[:, -20:]
    for half, colour in zip(halves, (RED, BLUE), strict=True):
        if np.abs(half.mean(axis=(0, 1)) - colour).max() > MOST_OFF:
            return "its colours came out wrong"
    return None


_SAMPLES = {
    "JPEG": (
        "c-s4a<NpH&0WUXCHwH#V1_nkTWcYuZ!I^=Jot=Z7jf;bWgPV(sn@>W3kC&HER#Z$-LRnr_MM+*sQBB)iUrp0QQ&G"
        "vl(a^-w+Rn~SRnNuK*~Y`%*3KGa2qPCaHy<ybjDUcQwT6<0HOb)r0R}-11_cHKW=16jCP7AKLB{__7(~HNMFFfpV"
        "G#jzQ3jx>7$YN^YBqL|YDqyx24++lHs^zlP5*B(@Gvt1En^mBuxDsuR&)`*B77=&+h^C5(y9YYjjjwrPec3z{5AV"
        "-pB0^W^)&+*tNj0)0G?kx_5"
    ),
    "PNG": (
        "c-rd>@N?(olHy`uVBq!ia0vp^20*O9!2~34Z_DupQnsEhjv*Dd-kx*hWl-Q@*x1PC;v@L$f{E*l8_g5uHF&$Hy17"
        "@+op!$GI1?K9C0)XpZqJmnr(-KK&>#j+S3j3^P6<r_ydWPV"
    ),
    "WEBP": (
        "c-jGC0G<C*Nk&Fm00012MM6+kP&gn?0002c0|1=?Dlh;b06w))pi3ttqam;rSODM_i9i_bAO?T{1tR8i8h`-)=+^"
        "<bD7?SrpZWdqcfTBS(r5okn*77d{Y-K3$LB-tqW}N^00GG+-~"
    ),
    "TIFF": (
        "c-r&y)MBt=WMF78X=UmV5n^X;aeNq%k)kHe-R_bkXd&@&f=0KS(#IK3@@%ChxThHY6q)9!-s$`_Xl6=Kw07%>XF-"
        "{B=4G4D@?83PXUVrj`zhztF3*w`Yjv6zpnhdm%CS!O<ySJUc;#xX4V`{Pt8~}ZGTn%!H?qEIeJxs=I_ri`+3wIq="
        "kqsv>4dFbI_Y8Fj+=SgPS5?OUAg-~p7|ctU$PZP64qMeq<*^Ic_1ZI;*Op*f7h9m<&i$mqBJL5NGsZ9{jJ?}d2go"
        "it-WU39<I9Kzx7s+*zxetoA0t_-rcHRy5-<|i>Nc_{%zg+@LI*5z4praWe*Cs*Zf<$edeV_pLgEvJDxpx{_7tVws"
        "HULkKXC~zGu>UcX#vGUma_A|L>pv^!cB%y8Ao-pa1l0ABXgx@5&dLLm9Uf7@uab@!;TMU|?is00td{0T44n*$P0+"
        "1Y|P<=^a1;W~ewT5VJwqOh7Ei$O2|_0I?`k9Hd7K$sBR08Y3Vf0~H5h2CzO51OSoKr3n"
    ),
    "BMP": "c-nLFwPRxd13Mtr0Ad3mRsdo~1`db>Q2q!X1T!%}u!hDZh7&d#47dOz4lt^IRQ;&>QT3zhhlhFqzdZ<#",
    "GIF": (
        "c-nLKbh9u|G+<C*Xk=ixq@kf<bAka3bU*}1+<~KxfssSTW5a@jjf_HCF()=GJk%_pY&FNjaM95w5o4o0Cj=Xg^)p"
        "(<v8)VS;yOvv*UQB+P}OCcZmd+x%YbJ-v!ru{j?4^R?l6zLR*7X+zzhFHioHs{S|uw3`#t7cg-T7;3S1dFJMF7w="
        "<Cqc4jb#fN{Q+CZ%jQo&$L@u_k06`H2~$=IIj"
    ),
    "HEIF": (
        "c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Ufw49>wIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfN>#&1_B"
        "izR?f`KO9S&jqM|@fDif5KQI>27V)7MamgK^f{LL&VDge@VGYgXQfpi&AnKL6ZNN56Bk=zG{KYxGxU|`^9P5|nVa"
        "A4$N{Qn=MfElEM8HD6^F*zgxCAFLw8PQ}GC^WK8d-Y`5&K(>X1`0qSW)Q)km;_YL=E8We_&_Jn65-_hoT9wsoC=^"
        "QF9TZxP)H=RxF8kkGY2TvNX|(Fxy%6Scm)vs|Ns9FK$;0iKLF7{EKrbHkqOes%)!9{q$Dy6a$$iC3^&$BCT7+aAX"
        "_IlB@q<J3L1>-BYq0q{ePnRf7~R=ugk69pNWWGc7Cgu*gWe=Mhu4mWB6Su"
    ),
    "AVIF": (
        "c-muNU{FXasVqn=%S>Yc0uY^>nP!-qnV9D5Xy^nKdYzkElE?r7iWw<6MNl?FL1uCZ0~+8f$SlbPvlxL`E;A=T8N_"
        "h`@fjhajKV-#4~R7~GxO5mYNddjR3<1dvCP2GIX@>KY*$uhK~Vva_RcIw&Ii&WnZ*UEQ2PvkSOJIy3NkA)K?2Mi9"
        "2`K3C$Y@XxsibfBqW@ipHq~VoKpcbnU{gB0VpJ%S&$3!6VPESj7-feK&Dx4N@9r+0~e=+sQzyk785A}BYC&LhYvd"
        "vpU<mYz`$^44cp4Vn}?KxVp}8%-Cn9pka++ApKCpb"
    ),
    "JPEG2000": (
        "c-muNVBpCLP*C9IYUg5LU=T?wsVvAUFj4@r8KAT-kj?<oVwo8!ML-%PX28JA&JI$;z@MC-Q^W{n3NSD*`T!Lt|M&"
        "kN$e<4vGk|J<0aQLSJ0l|m{SRW`0SYiOu(Gf)F#eBW5O#3z@CZOg|5F%L85o_5QWHy3QxuXa75ocQ^SlCF-4)7Gi"
        ";6Sz^AwEqO!Z9uPhj8z8-5gM&gA<I5-is2=eO{1{FDc>+1_~{zXh~l|AC(j4ICgQ$Na;u*ckXYA5X2Gcc4azf#=i"
        "Lc#sG$!+vd^_s4GuG06OQ_gS$h=*#f~Kbab2eBOMv2aEc=`BeT~f$RS9TM`U9F}u><GC%IkbyBTA@RONAd&7~X7V"
        ";n&FiX(b??q}eP@4>cx6*O@wO{J^wMBzJh)z84lZC;n>?l|SWGIv^B=r9#05#Bi<^"
    ),
    "DNG": (
        "c-r&y)MDUZU|?Wk5MpFuU<9&2Sm+p(&BDN-2Beu8n4z-lKr9Gl2LQ1+l<f{8fZ+d){|^`hyxct97#JBrh5?EHw;7"
        "xnxY*e_*x9%^I5@buxVZTw1o(J)`D8`K1SOQ^RaKPal@!&q&GpqZO*9pi3>*zjEUoSA>{Rt!Je_Sk%x&$gL547La"
        "dY$W^2rDY$XIJAX;_mC{vTiv<X})>Fkog>Vqg+vWEN!ne}q94>{JxM3KSL*Ko?~Iii$BZqN!$M2dS16WCR8hiVU0"
        "c!N#Wlw-|Vs8G)8D3o_U<G%+i>2wxFCmAvh<Yf5R=0j5S*2BD`R{sI1)eYekwPQ3b>fs0lC|4jh4B|y9"
    ),
}
